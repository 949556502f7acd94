"""Runs one service, or all, against a database and a broker that are there already."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvicorn

from services.process import Process
from services.runtime import Settings


@asynccontextmanager
async def serving(process: Process, host: str, port: int) -> AsyncIterator["asyncio.Task[None]"]:
    """The HTTP side, up; the task ends when the process is told to stop (Ctrl-C, SIGTERM)."""
    server = uvicorn.Server(uvicorn.Config(process.app, host, port, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.02)
        yield task
    finally:
        server.should_exit = True
        await task


async def serve(settings: Settings, names: Sequence[str]) -> None:
    """Serve the services `names` until SIGTERM or SIGINT."""
    process = Process(settings, names)
    try:
        await process.start()
        async with serving(process, settings.host, settings.port) as until_stopped:
            await until_stopped
    finally:
        await process.stop()
