"""The gate: whether what a partner sent is a statement that it may make today; pure, and all errors together."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from pydantic import ValidationError

from schemas.marks import ReferenceMark, fields_marked
from schemas.programme import Programme
from schemas.statement import STATEMENTS, Statement
from schemas.submission import GateError, submission_id
from services.intake import codes, sentences, strict_json
from services.intake.bsn import holds_bsn
from services.intake.cloudevent import MOST_DATA_BYTES, CloudEvent
from services.intake.partner import Partner
from services.intake.sentences import attribute

MOST_ERRORS = 10
"""More are the same mistake again, and each takes time."""
_TYPES: Mapping[str, type[Statement]] = {statement.type: statement for statement in STATEMENTS}
# A reference's own validator looks for a burgerservicenummer.
_REFERENCES = {statement: fields_marked(statement, ReferenceMark) for statement in STATEMENTS}
# The id is kept as it was sent, so it has a form in which a name, an address or a sentence hardly fits.
_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_JSON_MEDIA_TYPE = re.compile(r"application/([a-z0-9.-]+\+)?json", re.IGNORECASE)


class KnownProgrammes(Protocol):
    def find(self, programme_id: str) -> Programme | None: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two submissions the same: the CloudEvent's source and id."""

    source: str
    id: str

    @property
    def submission(self) -> str:
        return submission_id(self.source, self.id)


@dataclass(frozen=True, slots=True)
class Accepted:
    identity: Identity
    statement: Statement


@dataclass(frozen=True, slots=True)
class Rejected:
    """It is the partner's and it has a name, so its outcome can be kept and asked for."""

    identity: Identity
    errors: tuple[GateError, ...]


@dataclass(frozen=True, slots=True)
class Unattributable:
    """Nothing may be kept under this source and id: they are missing, may not be stored, or are another partner's."""

    errors: tuple[GateError, ...]


Verdict = Accepted | Rejected | Unattributable


def judge(partner: Partner, event: CloudEvent, today: date, programmes: KnownProgrammes) -> Verdict:
    """What the gate makes of `event`. It never raises, whatever the event holds."""
    attributes = event.attributes
    nameless = list(_identity_errors(partner, attributes))
    errors = nameless + list(_attribute_errors(partner, attributes, today))
    statement, found = _data(partner, event, today, programmes)
    errors = (errors + found)[:MOST_ERRORS]
    if nameless:
        return Unattributable(tuple(errors))
    identity = Identity(attributes["source"], attributes["id"])
    if errors or statement is None:
        return Rejected(identity, tuple(errors))
    return Accepted(identity, statement)


def _identity_errors(partner: Partner, attributes: Mapping[str, Any]) -> Iterator[GateError]:
    """Another partner's source gives no attribution: nobody may take the ids that someone else is going to use."""
    for name in ("source", "id"):
        value = attributes.get(name)
        if value is None or value == "":
            yield attribute(name, f"Add the CloudEvents attribute `{name}`.", "attribute-missing")
        elif name == "source" and value not in partner.sources:
            yield attribute(
                name, "Send one of the sources of your registration, written as it is there.", "source-not-yours"
            )
        elif name == "id" and (not isinstance(value, str) or not _ID.fullmatch(value)):
            yield attribute(
                name,
                "Send `id` as 1 to 128 letters, digits, dots, hyphens, underscores, colons or slashes: a number or a "
                "UUID, never something about a family.",
            )
        elif name == "id" and holds_bsn(value):
            yield sentences.looks_like_bsn(name)


def _attribute_errors(partner: Partner, attributes: Mapping[str, Any], today: date) -> Iterator[GateError]:
    if (version := attributes.get("specversion")) is None:
        yield attribute("specversion", "Add the CloudEvents attribute `specversion`: 1.0.", "attribute-missing")
    elif version != "1.0":
        yield attribute("specversion", "Send CloudEvents 1.0: `specversion` is 1.0, as text.")
    if not partner.registered_on(today):
        yield GateError(
            code="outside-your-registration",
            sentence="Your registration is not valid today. Ask the gemeente to extend it, then send this again under "
            "a new id.",
        )
    if (name := attributes.get("type")) is None:
        yield attribute("type", "Add the CloudEvents attribute `type`: what you state.", "attribute-missing")
    elif not isinstance(name, str) or name not in _TYPES:
        yield attribute("type", "Send a type from the list in the documentation, in full.", "type-unknown")
    elif not partner.may_send(name):
        yield attribute("type", "Ask the gemeente to add this type to your registration.", "type-not-allowed")
    media_type = attributes.get("datacontenttype", "application/json")
    if not isinstance(media_type, str) or not _JSON_MEDIA_TYPE.fullmatch(media_type.partition(";")[0].strip()):
        yield attribute("datacontenttype", "Send data as application/json.")
    if isinstance(subject := attributes.get("subject"), str) and holds_bsn(subject):
        yield sentences.looks_like_bsn("subject")


def _data(
    partner: Partner, event: CloudEvent, today: date, programmes: KnownProgrammes
) -> tuple[Statement | None, list[GateError]]:
    if not event.data:
        return None, [GateError(code="data-missing", sentence="Add data: the statement as a JSON object.")]
    if len(event.data) > MOST_DATA_BYTES:
        return None, [GateError(code="data-too-large", sentence=f"Send at most {MOST_DATA_BYTES} bytes of data.")]
    try:
        json = strict_json.read(event.data)
    except strict_json.NotStrictJson as error:
        return None, [GateError(code="field-invalid", sentence=f"Send data as JSON: {error}.")]
    if json.value is None:
        return None, [GateError(code="data-missing", sentence="Add data: the statement as a JSON object.")]
    name = event.attributes.get("type")
    if not isinstance(name, str) or (model := _TYPES.get(name)) is None:
        return None, []  # What the type should hold is not known, and the type's own error has been given.
    try:
        statement = model.model_validate_json(json.canonical, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        errors = list(sentences.about_fields(model, found[:MOST_ERRORS]))
        wrong = {str(one["loc"][0]) for one in found if one["loc"]}
        return None, errors + list(_rule_errors(partner, model, _sound_rest(json.value, wrong), today, programmes))
    return statement, [
        *_form_errors(statement, json.value),
        *_rule_errors(partner, model, json.value, today, programmes),
    ]


def _sound_rest(value: Any, wrong: set[str]) -> Mapping[str, Any]:
    """The fields with which nothing is wrong, so that one mistake does not hide another."""
    return {name: member for name, member in value.items() if name not in wrong} if isinstance(value, dict) else {}


def _form_errors(statement: Statement, sent: Mapping[str, Any]) -> Iterator[GateError]:
    """What the models take and the published schema does not, and what may never be stored."""
    references = _REFERENCES[type(statement)]
    for name, info in type(statement).model_fields.items():
        field, value = info.alias or name, getattr(statement, name)
        if isinstance(value, date) and sent[field] != value.isoformat():
            yield sentences.not_a_day(field)
        # A telephone number may well pass the elfproef; one in eleven does.
        elif isinstance(value, str) and name not in references and name != "phone" and holds_bsn(value):
            yield sentences.looks_like_bsn(field)


def _rule_errors(
    partner: Partner, model: type[Statement], sound: Mapping[str, Any], today: date, programmes: KnownProgrammes
) -> Iterator[GateError]:
    if (asked := sound.get("programme")) is not None:
        programme = programmes.find(asked)
        if programme is None:
            yield sentences.programme_unknown(registered=asked in partner.programmes)
        elif programme.gemeente != partner.gemeente or programme.id not in partner.programmes:
            yield GateError(
                code="programme-not-allowed",
                field="programme",
                sentence="Ask the gemeente to add this programme to your registration.",
            )
        else:
            yield from codes.unlisted(model, sound, programme)
    if (day := sound.get("occurredOn")) is not None and day > today.isoformat():
        yield GateError(
            code="occurred-in-the-future",
            field="occurredOn",
            sentence="State what has happened: `occurredOn` is today or earlier, as the calendar in Amsterdam has it.",
        )
