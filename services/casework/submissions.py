"""Reading what the gate let in and what casework recorded before; what cannot be read is named and stops the reader."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from eventlog.errors import UnreadableRecord
from eventlog.ledger import Recorded
from schemas.case import CaseFact
from schemas.marks import PersonalMark, ReferenceMark, fields_marked
from schemas.programme import Programme, Programmes
from schemas.registry import UnknownEventType, decode
from schemas.submission import SubmissionAccepted
from services.casework.case import AnyStatement

_TYPE = re.compile(r"[a-z0-9.-]{1,100}")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_STATEMENTS: dict[str, type[AnyStatement]] = {model.type: model for model in get_args(AnyStatement)}
_REFERENCES = {name: fields_marked(model, ReferenceMark) for name, model in _STATEMENTS.items()}
_SEALED = {
    name: frozenset(to_camel(field) for field in fields_marked(model, PersonalMark))
    for name, model in _STATEMENTS.items()
}


@dataclass(frozen=True, slots=True)
class Submission:
    """A statement that passed the gate, with the event that says so."""

    id: str
    statement: AnyStatement
    programme: Programme
    accepted: Recorded

    @property
    def case_stream(self) -> str:
        return f"case-{self.statement.case}"

    @property
    def outcome_stream(self) -> str:
        return f"submission-{self.id}"


def read_submission(accepted: Recorded, programmes: Programmes) -> Submission:
    """The submission of a `submission.accepted` event; raises UnreadableRecord with its ledger and position."""
    try:
        event = SubmissionAccepted.decode(accepted.data)
        statement = _statement(event.statement_type, event.statement)
    except (ValidationError, KeyError) as error:
        raise UnreadableRecord(f"{accepted}: not a statement casework can read: {_what_is_wrong(error)}") from error
    if raw := _not_pseudonyms(statement):
        raise UnreadableRecord(
            f"{accepted}: no pseudonym in {', '.join(raw)}; the gate let a partner's reference through"
        )
    if (programme := programmes.find(statement.programme)) is None:
        raise UnreadableRecord(
            f"{accepted}: programme {statement.programme} is not among this installation's programmes"
        )
    return Submission(event.submission, statement, programme, accepted)


def read_fact(recorded: Recorded) -> CaseFact:
    """The fact of an event in a case's stream; raises UnreadableRecord with its ledger and position."""
    try:
        fact = decode(recorded.type, recorded.data)
    except (UnknownEventType, ValidationError) as error:
        raise UnreadableRecord(f"{recorded}: not a fact casework can read: {_what_is_wrong(error)}") from error
    if not isinstance(fact, CaseFact):
        raise UnreadableRecord(f"{recorded}: {recorded.type} is not a fact of a case")
    return fact


def _statement(statement_type: str, stated: dict[str, Any]) -> AnyStatement:
    if (model := _STATEMENTS.get(statement_type)) is None:
        named = statement_type if _TYPE.fullmatch(statement_type) else "its type"
        raise KeyError(f"{named} is not published; was it accepted by a newer version?")
    # Casework has no use for what the gate sealed, and a sealed text may be longer than its field allows.
    open_fields = {name: value for name, value in stated.items() if name not in _SEALED[statement_type]}
    return model.model_validate(open_fields)


def _not_pseudonyms(statement: AnyStatement) -> list[str]:
    references = {name: getattr(statement, name) for name in _REFERENCES[statement.type]}
    return sorted(name for name, value in references.items() if value is not None and not _PSEUDONYM.fullmatch(value))


def _what_is_wrong(error: Exception) -> str:
    """The fields and what they should be, never what was in them."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, _known(item)))}: {item['msg']}" for item in error.errors(include_input=False)
        )
    return str(error.args[0])


def _known(item: ErrorDetails) -> Sequence[int | str]:
    """Where it is; a field that nobody published has a name of somebody's own."""
    return (*item["loc"][:-1], "a field") if item["type"] == "extra_forbidden" else item["loc"]
