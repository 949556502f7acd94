"""The events the ledger is measured with: one fact of casework, as large as a contact that was logged."""

from datetime import date

from eventlog.ledger import Append, NewEvent

GEMEENTE = "GM0984"
_DATA = (
    b'{"case":"5d41402abc4b2a76b9719d911017c592","coach":"7d793037a0760186574b0282f2f435e7","kind":"telephone",'
    b'"minutes":25,"programme":"gezinscoaches-venray","segment":1,"submission":"9e107d9d372bb6826bd81d3542a419d6"}'
)


def an_event(number: int) -> NewEvent:
    return NewEvent(
        type="nl.overheid.jeugdzaken.case.contact-logged.v1",
        data=_DATA,
        occurred_on=date(2023, 5, 8),
        partner="synthetic-synthese",
        correlation=f"{number:032x}",
        causation=f"intake/{GEMEENTE}/{number}",
        case="5d41402abc4b2a76b9719d911017c592",
    )


def a_command(number: int) -> Append:
    """A new stream with one event: what a submission is to intake."""
    return Append(f"submission-{number:032x}", 0, (an_event(number),))
