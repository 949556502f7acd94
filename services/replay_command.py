"""`spoorboek replay`: the facts built anew, a copy of them as known before, or the way back."""

import os
from datetime import datetime
from typing import Annotated

import typer

from services.command import console, finish
from services.embedded import installation
from services.intake.submissions import AMSTERDAM
from services.reporting.copies import Until
from services.upkeep import forget_copy, replay_rollback, replay_until, say_copies
from services.upkeep import replay as replay_facts


def replay(
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="a copy as known on that day")] = None,
    until_position: Annotated[
        int | None, typer.Option(min=1, max=2**63 - 1, help="a copy up to that event of each ledger")
    ] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="go back to the facts before the last rebuild")] = False,
    list_: Annotated[bool, typer.Option("--list", help="the copies that are kept")] = False,
    remove: Annotated[str | None, typer.Option(help="a copy to forget, by its day or position")] = None,
) -> None:
    """Build the facts anew beside the live ones, say what differs, and switch; or make a copy as known before."""
    if sum((until is not None, until_position is not None, rollback, list_, remove is not None)) > 1:
        raise typer.BadParameter("give one of --until, --until-position, --rollback, --list and --remove")

    if until is not None and until.date() >= datetime.now(AMSTERDAM).date():
        raise typer.BadParameter("--until names a day that is over in Amsterdam: more may still be recorded on it")

    async def build() -> None:
        with installation(os.environ) as settings:
            if until is not None or until_position is not None:
                await replay_until(settings, console, Until(until.date() if until else None, until_position))
            elif rollback:
                await replay_rollback(settings, console)
            elif list_:
                await say_copies(settings, console)
            elif remove is not None:
                await forget_copy(settings, console, remove)
            else:
                await replay_facts(settings, console)

    finish(build)
