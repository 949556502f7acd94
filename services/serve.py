"""Runs one service, or all, against a database and a broker that others keep: it waits for them where they are away."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from aiokafka.errors import KafkaError, KafkaTimeoutError

from eventlog.errors import describe
from services.migrations import demand_migrated
from services.process import Process
from services.runtime import Settings, SettingsError
from services.runtime.away import database_is_away

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 5.0
_TO_STOP_SECONDS = 5

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn raises them again when it is done, and the process would die unfinished."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _stop(server: uvicorn.Server) -> None:
    """Told once, what is being answered is finished; told again, it is not waited for."""
    server.force_exit = server.should_exit
    server.should_exit = True


@asynccontextmanager
async def serving(process: Process, host: str, port: int) -> AsyncIterator["asyncio.Task[None]"]:
    """The HTTP side, up; the task ends when the process is told to stop (Ctrl-C, SIGTERM)."""
    config = uvicorn.Config(process.app, host, port, log_config=None, access_log=False)
    config.timeout_graceful_shutdown = _TO_STOP_SECONDS  # Who is still sending a request by then sends it again.
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    for told_to_stop in _STOPPING:
        loop.add_signal_handler(told_to_stop, _stop, server)
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
    _demand_address(settings.host, settings.port)
    process = Process(settings, names)
    try:
        async with serving(process, settings.host, settings.port) as until_stopped:
            starting = asyncio.create_task(start_when_possible(process))
            await asyncio.wait({starting, until_stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                _keep_for_good()
                log.info("started", services=list(names), port=settings.port)
            else:
                starting.cancel()
                await asyncio.wait({starting}, timeout=_TO_STOP_SECONDS)
            await until_stopped
            log.info("stopping", services=list(names))
    finally:
        await process.stop()
        log.info("stopped", services=list(names))


def try_address(host: str, port: int) -> None:
    """Raises OSError where nobody can listen there: uvicorn would end the process, and name no setting."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _demand_address(host: str, port: int) -> None:
    try:
        try_address(host, port)
    except OSError as error:
        raise SettingsError(
            f"{host}:{port} cannot be listened at ({error.strerror}): stop what does, or correct SPOORBOEK_HOST or "
            "SPOORBOEK_PORT"
        ) from error


def _keep_for_good() -> None:
    """What is there now stays: to look through it for garbage takes 60 ms each time, in which nobody is answered."""
    gc.collect()
    gc.freeze()


def _may_pass(error: Exception) -> bool:
    """A broker that is away comes back; one that does not let us in says so until somebody acts."""
    return isinstance(error, KafkaTimeoutError) or (isinstance(error, KafkaError) and error.retriable)


async def start_when_possible(process: Process) -> None:
    """Start once the database and the broker answer; until then `/health/ready` and the log say what is waited for."""
    wait = _FIRST_WAIT_SECONDS
    while True:
        away = {part: why for part in process.watch.parts if (why := await process.watch.why_away(part)) is not None}
        if not away:
            try:
                await demand_migrated(process.settings.database_url)
                return await process.start()
            except Exception as error:
                # It went away after we looked.
                if not (_may_pass(error) or database_is_away(error)):
                    raise
                away = {"start": describe(error)}
        for part, why in away.items():
            log.warning("waiting for part", part=part, error=why, seconds=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
