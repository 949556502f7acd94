"""Runs one service, or all, against a database and a broker that are there already."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from services.process import Process
from services.runtime import Settings

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn raises them again when it is done, and the process would die unfinished."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(process: Process, host: str, port: int) -> AsyncIterator["asyncio.Task[None]"]:
    """The HTTP side, up; the task ends when the process is told to stop (Ctrl-C, SIGTERM)."""
    server = _Server(uvicorn.Config(process.app, host, port, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    for told_to_stop in _STOPPING:
        loop.add_signal_handler(told_to_stop, setattr, server, "should_exit", True)
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.02)
        yield task
    finally:
        server.should_exit = True
        await task
        for told_to_stop in _STOPPING:
            loop.remove_signal_handler(told_to_stop)


async def serve(settings: Settings, names: Sequence[str]) -> None:
    """Serve the services `names` until SIGTERM or SIGINT."""
    process = Process(settings, names)
    try:
        await process.start()
        async with serving(process, settings.host, settings.port) as until_stopped:
            await until_stopped
    finally:
        await process.stop()
