"""Spoorboek: the work of family support, kept as events and read back as its account.

Exit codes: 0 done; 1 it did not work out, and a sentence says what to do; 2 wrong use; 130 Ctrl-C.
"""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from schemas import contracts
from services import contracts as api_contracts
from services.command import console, finish, services_named
from services.demonstration.history import write_history
from services.demonstration.load import MOST_GEMEENTEN, write_load
from services.embedded import data_folder, installation
from services.holding_commands import parked, quarantine
from services.intake.registration import register
from services.intake.submissions import AMSTERDAM
from services.migrations import migrate as migrate_database
from services.replay_command import replay
from services.run import run as run_everything
from services.runtime import Settings, logs
from services.runtime.settings import port_of
from services.serve import serve as serve_services
from services.submitting import SubmitError, client_at, read_lines
from services.submitting import submit as submit_events
from services.upkeep import verify as verify_ledgers

SCHEMAS = Path(contracts.__file__).parent

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
partner = typer.Typer(no_args_is_help=True, help="Partners: who may send events.")
demonstration = typer.Typer(no_args_is_help=True, help="Synthetic submissions, one CloudEvent a line.")
schemas = typer.Typer(no_args_is_help=True, help="The published contracts.")
app.command()(replay)
app.add_typer(partner, name="partner")
app.add_typer(demonstration, name="demonstration")
app.add_typer(schemas, name="schemas")
app.add_typer(quarantine, name="quarantine")
app.add_typer(parked, name="parked")


@app.command()
def run() -> None:
    """Everything on this machine, with Venray's synthetic history (SPOORBOEK_DATA, SPOORBOEK_PORT)."""
    finish(lambda: run_everything(data_folder(os.environ), port_of(os.environ), console))


@app.command()
def serve(service: Annotated[str, typer.Argument(help="intake, casework, reporting or all")]) -> None:
    """One service against the database and the broker that the environment names."""
    names = services_named(service)
    finish(lambda: serve_services(Settings.from_environment(os.environ), names))


@app.command()
def migrate() -> None:
    """Bring the database to the newest form; safe to run again."""

    async def bring() -> None:
        with installation(os.environ) as settings:
            await migrate_database(settings.database_url)

    finish(bring)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="CloudEvents as JSON, one a line", exists=True, dir_okay=False)],
    key: Annotated[str, typer.Option(envvar="SPOORBOEK_KEY", help="the partner's bearer key")],
    url: Annotated[str, typer.Option(help="where intake is")] = "http://localhost:8080",
) -> None:
    """Send a file of events as a partner, in its order. Sending it again changes nothing."""

    async def send() -> None:
        if not (key.isascii() and key.isprintable()):
            raise SubmitError("the key has characters that no key has: give it as it came with the registration")
        async with client_at(url) as client:
            with file.open("rb") as lines, console.status("Sending") as status:
                outcomes = await submit_events(
                    client, read_lines(lines), lambda source: key, lambda sent: status.update(f"Sending: {sent}")
                )
        for outcome, count in sorted(outcomes.items()):
            console.print(f"{outcome}: {count}", highlight=False)
        if not outcomes:
            console.print("There is nothing to send in it.", highlight=False)
        if not_taken := sum(outcomes[status] for status in ("rejected", "contested", "unattributable")):
            raise SubmitError(
                f"{not_taken} were not taken. Unattributable: the source is not that of this key's partner. Rejected "
                "or contested: the answer to a single send of the event, or its page, says why"
            )

    finish(send)


@app.command()
def verify() -> None:
    """Recompute every ledger from its first event and hold it against its head."""

    async def check() -> None:
        with installation(os.environ) as settings:
            await verify_ledgers(settings, console)

    finish(check)


@partner.command("new")
def partner_new(
    partner_id: str,
    title: Annotated[str, typer.Option()],
    gemeente: Annotated[str, typer.Option(help="as in GM0984")],
    programme: Annotated[list[str], typer.Option()],
    source: Annotated[list[str], typer.Option(help="the CloudEvents source, as in urn:nld:kvknr:…:systeem:…")],
    may_send: Annotated[list[str] | None, typer.Option(help="such as enquiry.received.v1; all when left out")] = None,
    valid_until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the last day")] = None,
    folder: Annotated[Path | None, typer.Option(help="of SPOORBOEK_PARTNERS; else that of `make run`")] = None,
) -> None:
    """Write a partner's file and show its two keys, once."""

    async def make() -> None:
        made = register(
            folder or data_folder(os.environ) / "partners",
            partner_id,
            title,
            gemeente,
            source,
            programme,
            datetime.now(AMSTERDAM).date(),
            types=may_send or (),
            valid_until=valid_until.date() if valid_until else None,
        )
        console.print(f"{made.path} written. Restart intake to let the partner in.", highlight=False, soft_wrap=True)
        console.print(
            "Give the partner these keys over a safe channel; they are kept nowhere:", highlight=False, soft_wrap=True
        )
        console.print(f"  bearer key (HTTP)           {made.bearer}", highlight=False, soft_wrap=True)
        console.print(f"  signing key (Kafka, secret) {made.signing_secret}", highlight=False, soft_wrap=True)

    finish(make)


@demonstration.command("history")
def demonstration_history(file: Path) -> None:
    """Write Venray's synthetic history of 2021-2023."""

    async def write() -> None:
        console.print(f"{write_history(file)} synthetic submissions in {file}", highlight=False)

    finish(write)


@demonstration.command("load")
def demonstration_load(
    folder: Path,
    gemeenten: Annotated[int, typer.Option(min=1, max=MOST_GEMEENTEN)] = 10,
    cases: Annotated[int, typer.Option(min=1, help="of each gemeente")] = 1000,
    seed: int = 2023,
) -> None:
    """Write partners, programmes and submissions of any number of synthetic gemeenten."""

    async def write() -> None:
        console.print(
            f"{write_load(folder, gemeenten, cases, seed)} synthetic submissions in {folder}", highlight=False
        )

    finish(write)


@schemas.command("write")
def schemas_write() -> None:
    """Publish what is new and generate what is generated."""
    for path in (*contracts.write(SCHEMAS), *api_contracts.write(SCHEMAS)):
        console.print(path, highlight=False)


@schemas.command("check")
def schemas_check() -> None:
    """Say what is out of step with the published contracts."""
    problems = [*contracts.check(SCHEMAS), *api_contracts.check(SCHEMAS)]
    for problem in problems:
        console.print(problem, highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)


def main() -> None:
    """What people act on is a sentence on standard error; the log is JSON lines there too."""
    if (level := os.environ.get("SPOORBOEK_LOG", "warning")) not in logs.LEVELS:
        sys.exit(f"SPOORBOEK_LOG is {level!r}; give one of {', '.join(logs.LEVELS)}")
    logs.configure(level)
    app()
