"""`spoorboek quarantine …` and `spoorboek parked …`."""

import os
import re
from typing import Annotated

import typer

from services.command import console, finish, services_named
from services.embedded import installation
from services.holding import list_quarantine, redrive_quarantine, show_quarantine
from services.parked import list_parked, show_parked

quarantine = typer.Typer(no_args_is_help=True, help="Events of our own ledgers that a reader could not take.")
parked = typer.Typer(no_args_is_help=True, help="Records from Kafka that are nobody's submission.")
Service = Annotated[str, typer.Option(help="whose readers: intake, casework, reporting or all")]


@quarantine.command("list")
def quarantine_list(service: Service = "all") -> None:
    """The cases that are held up, why, and how many of their events wait."""
    services = services_named(service)

    async def work() -> None:
        with installation(os.environ) as settings:
            await list_quarantine(settings, services, console)

    finish(work)


@quarantine.command("show")
def quarantine_show(
    event: Annotated[str, typer.Argument(help="its ledger and position, as in casework/GM0984/12")],
) -> None:
    """Who holds an event, the reason, and which wait behind it."""
    ledger, _, position = event.rpartition("/")
    if not ledger or not re.fullmatch("[0-9]{1,18}", position):
        raise typer.BadParameter(f"{event} is not a ledger and a position, as in casework/GM0984/12")

    async def work() -> None:
        with installation(os.environ) as settings:
            await show_quarantine(settings, ledger, int(position), console)

    finish(work)


@quarantine.command("redrive")
def quarantine_redrive(
    service: Service = "all",
    case: Annotated[str | None, typer.Option(help="only this case, as `quarantine list` names it")] = None,
) -> None:
    """Read what is held anew from its ledger and try it again, in order; the services may run meanwhile.

    Exit code 1 where a case still cannot be taken.
    """
    services, left = services_named(service), 0

    async def work() -> None:
        nonlocal left
        with installation(os.environ) as settings:
            left = await redrive_quarantine(settings, services, case, console)

    finish(work)
    if left:
        raise typer.Exit(1)


@parked.command("list")
def parked_list() -> None:
    """The parked records and their reasons; never what is in them."""

    async def work() -> None:
        with installation(os.environ) as settings:
            await list_parked(settings, console)

    finish(work)


@parked.command("show")
def parked_show(
    record: Annotated[str, typer.Argument(help="topic/partition/offset, as `parked list` names it")],
    opened: Annotated[bool, typer.Option("--open", help="also what is in it: this may be about a family")] = False,
) -> None:
    """One parked record: where it came from and why it was parked."""

    async def work() -> None:
        with installation(os.environ) as settings:
            await show_parked(settings, record, opened, console)

    finish(work)
