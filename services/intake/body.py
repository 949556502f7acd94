"""Reading a request's body no further than its limit, whatever the client says its length is."""

from fastapi import Request

from services.problem import Problem


async def read(request: Request, most_bytes: int) -> bytes:
    """The body; raises Problem 413 as soon as it is clear that there is more than `most_bytes`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > most_bytes:
        raise _too_large(most_bytes)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            raise _too_large(most_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(most_bytes: int) -> Problem:
    detail = f"Send at most {most_bytes} bytes at once: divide a batch, or shorten the event."
    return Problem(413, "Too large", detail, [{"code": "data-too-large", "sentence": detail}])
