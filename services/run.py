"""Everything on one machine: an embedded PostgreSQL, the three services on the local bus, the demonstration history."""

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.statement import EnquiryReceived
from schemas.submission import submission_id
from services.demonstration.history import history
from services.demonstration.senders import COACHES, senders_of
from services.demonstration.targets import GEMEENTE, PROGRAMME
from services.embedded import EmbeddedError, embedded_installation, keep_up
from services.intake.addresses import PageAddresses
from services.migrations import migrate
from services.process import Process
from services.serve import serving, try_address
from services.submitting import submit
from services.upkeep import keep_facts_current

KEYS = {sender.source: sender.bearer_key for sender in senders_of(GEMEENTE, PROGRAMME).values()}
"""The demonstration partners' bearer keys by their source; public on purpose."""


def check_port(port: int) -> None:
    try:
        try_address("127.0.0.1", port)
    except OSError as error:
        raise EmbeddedError(f"port {port} is taken: stop what uses it, or choose another with PORT=") from error


async def run(data: Path, port: int, console: Console) -> None:
    """Serve until told to stop; raises EmbeddedError."""
    check_port(port)
    with embedded_installation(data, port) as (settings, server), console.status("Starting") as status:
        await migrate(settings.database_url)
        await keep_facts_current(settings, console)
        process, told_to_stop = Process(settings), asyncio.Event()
        keeping_up = asyncio.create_task(keep_up(server, told_to_stop))
        try:
            await process.start()
            async with serving(process, settings.host, port) as until_stopped:
                status.stop()
                loading = asyncio.create_task(load_demonstration(process, console))
                await asyncio.wait({loading, until_stopped}, return_when=asyncio.FIRST_COMPLETED)
                if until_stopped.done():
                    loading.cancel()  # The next run goes on where this one was stopped.
                else:
                    await loading
                    console.print(welcome(port, process), highlight=False, soft_wrap=True)
                await until_stopped
        finally:
            told_to_stop.set()
            await keeping_up
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
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def welcome(port: int, process: Process) -> str:
    """What to look at and what to try; the command can be pasted as it is."""
    address = f"http://localhost:{port}"
    event = one_more()
    sender = senders_of(GEMEENTE, PROGRAMME)[COACHES]
    fate = _page_of(process, submission_id(event["source"], event["id"]))
    return f"""
Spoorboek runs. All families in it are synthetic.

  Dashboard    {address}/programmas/{PROGRAMME}/2023
  Operations   {address}/beheer

Send one more event as a demonstration partner (pasting it again changes nothing: it is the same event):

curl -sS {address}/v1/events -H 'Authorization: Bearer {sender.bearer_key}' \\
  -H 'Content-Type: application/cloudevents+json' -d '{json.dumps(event)}'

  Its fate     {address}{fate}
  The figure   {address}/programmas/{PROGRAMME}/2023   (instroom and actief, one more)

Ctrl-C stops it; the next `make run` goes on from here.
"""


def _page_of(process: Process, submission: str) -> str:
    """The address that the answer will give: it is made with the installation's key."""
    vault = process.parts["intake"].vault
    if vault is None:
        raise EmbeddedError("the installation has no vault key: start it with `make run`")
    return f"/inzendingen/{PageAddresses(vault).of(GEMEENTE, submission)}"


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
