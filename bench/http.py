"""A kept-alive HTTP/1.1 connection with nothing around it: the sender shares the cores with what it measures."""

import asyncio
from collections.abc import Mapping
from typing import Self


class Line:
    """One connection; one request at a time."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        return cls(f"{host}:{port}", *await asyncio.open_connection(host, port))

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer."""
        fields = {"Host": self._host, "Content-Length": str(len(body))} | dict(headers)
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self._writer.write("\r\n".join(lines).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
        await self._reader.readexactly(int(length.split(":")[1]))
        return int(head.split(" ", 2)[1])

    def close(self) -> None:
        self._writer.close()
