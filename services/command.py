"""How a command of the command line begins and ends: a wrong word is said, and the exit code says how it went."""

import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import typer
import uvloop
from rich.console import Console

from eventlog.errors import EventlogError
from eventlog.ledger import SERVICES
from schemas.programme import ProgrammeError
from services.embedded import EmbeddedError
from services.holding import NotHeld
from services.intake.partners import PartnerFileError
from services.migrations import MigrationError
from services.parked import NotParked
from services.reporting.beginning import ProgrammeMissing
from services.reporting.generation_build import RebuildUnderWay
from services.reporting.questions import QuestionError
from services.reporting.rebuild import NothingKept, RulesMoved
from services.reporting.spreading import ProcessEnded
from services.runtime import SettingsError
from services.runtime.away import ERRORS, database_is_away, is_not_allowed, is_not_migrated, kind_of
from services.submitting import SubmitError

EXPECTED = (
    EmbeddedError,
    EventlogError,
    MigrationError,
    NotHeld,
    NotParked,
    NothingKept,
    PartnerFileError,
    ProcessEnded,
    ProgrammeError,
    ProgrammeMissing,
    QuestionError,
    RebuildUnderWay,
    RulesMoved,
    SettingsError,
    SubmitError,
)

console = Console()


def finish(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` to its end; exit code 1 and the sentence where it did not work out."""
    try:
        uvloop.run(work())
    except EXPECTED as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise typer.Exit(1) from error
    except ERRORS as error:
        if (sentence := _about_a_file(error) or _about_the_database(error)) is None:
            raise
        print(sentence, file=sys.stderr)  # noqa: T201
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _about_a_file(error: Exception) -> str | None:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read or written: {error.strerror}"
    return None


def _about_the_database(error: Exception) -> str | None:
    if database_is_away(error):
        return f"the database does not answer ({kind_of(error)}): start it, or mend SPOORBOEK_DATABASE_URL"
    if is_not_allowed(error):
        return (
            "the login in SPOORBOEK_DATABASE_URL may not act as every service that this is about: give one that may, "
            "or name with --service the one it may act as"
        )
    if is_not_migrated(error):
        return "the database has no tables of Spoorboek, or older ones: run `spoorboek migrate` on it first"
    return None


def services_named(service: str) -> Sequence[str]:
    """`service`, or every one where it says all."""
    if service not in (*SERVICES, "all"):
        raise typer.BadParameter(f"{service} is not one of {', '.join(SERVICES)}, all")
    return SERVICES if service == "all" else (service,)
