"""A TCP line between a client and a server of this machine, which a test may cut, slow down and hold."""

import asyncio
from contextlib import suppress

CHUNK = 64 * 1024


class Line:
    """Passes `port` on to a server's own port; every byte goes through here, in order."""

    def __init__(self, port: int, server_port: int) -> None:
        self.port = port
        self.delay_seconds = 0.0
        self._server_port = server_port
        self._flows = asyncio.Event()
        self._flows.set()
        self._listening: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._taken: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take connections; before this, and after `close`, they are refused as by a server that is not there."""
        if self._listening is None:
            self._listening = await asyncio.start_server(self._begin, "127.0.0.1", self.port)

    def close(self) -> None:
        """Refuse new connections and cut those there are."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self.cut()

    def cut(self) -> None:
        """Reset every connection; new ones are taken at once."""
        for end in list(self._ends):
            end.transport.abort()

    def hold(self) -> None:
        """Connections stay open and nothing arrives, as behind a firewall that forgot them."""
        self._flows.clear()

    def release(self) -> None:
        self._flows.set()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._take(reader, writer))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, there_writer}
        self._ends |= ends
        ways = [
            asyncio.create_task(self._pass(reader, there_writer)),
            asyncio.create_task(self._pass(there_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # one end was reset; who waits for either then resets the other
            while chunk := await reader.read(CHUNK):
                await self._flows.wait()
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(chunk)
                await writer.drain()
