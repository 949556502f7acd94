"""Reading a request's body no further than its limit, whatever the client says its length is."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.problem import Problem

_LONGEST_SECONDS = 60


async def read(request: Request, most_bytes: int) -> bytes:
    """The body; raises Problem: 413 as soon as there is more than `most_bytes`, 408 where it is slow."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > most_bytes:
        raise _too_large(most_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                parts.append(part)
    except TimeoutError as error:
        raise Problem(408, "Too slow", f"Send the whole request within {_LONGEST_SECONDS} seconds.") from error
    except ClientDisconnect as error:
        raise Problem(400, "Incomplete request", "The connection ended before the whole request had come.") from error
    return b"".join(parts)


def _too_large(most_bytes: int) -> Problem:
    detail = f"Send at most {most_bytes} bytes at once: divide a batch, or shorten the event."
    return Problem(413, "Too large", detail, [{"code": "data-too-large", "sentence": detail}])
