"""What the OpenAPI document says about the gate and FastAPI cannot see: bodies that are read as bytes, and problems."""

from typing import Any

from schemas.statement import STATEMENTS
from services.intake.answer import BatchAnswer, SubmissionAnswer
from services.intake.bindings import BATCHED, MOST_IN_BATCH, STRUCTURED

_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": "^[A-Za-z0-9._:/-]{1,128}$"},
        "source": {"type": "string", "minLength": 1, "maxLength": 200},
        "type": {"enum": [statement.type for statement in STATEMENTS]},
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object", "description": "The statement, by the JSON Schema of its type."},
    },
}

_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        STRUCTURED: {"schema": _EVENT},
        BATCHED: {"schema": {"type": "array", "minItems": 1, "maxItems": MOST_IN_BATCH, "items": _EVENT}},
        "application/json": {
            "schema": {
                "type": "object",
                "description": "Binary mode: the body is the statement, the attributes are the headers ce-specversion, "
                "ce-id, ce-source and ce-type.",
            }
        },
    },
}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["status", "title", "detail"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string", "description": "What to do."},
        "submission": {"type": "string", "description": "Where the outcome is kept."},
        "links": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "sentence"],
                "properties": {
                    "code": {"type": "string"},
                    "field": {"type": "string"},
                    "sentence": {"type": "string"},
                },
            },
        },
    },
}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM}}}


_NOT_AUTHENTICATED = _problem("The key is missing or not known, or its registration is not valid today.")
_AWAY = _problem("The database is away. Send the same again after the seconds in Retry-After: it has one effect.")

_POST_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": BatchAnswer, "description": "Of a batch: a result for each event, in order."},
    202: {"model": SubmissionAnswer, "description": "Accepted; or, sent before, applied or refused since."},
    400: _problem("Rejected by the gate, with all errors; or nothing that could be kept as a submission."),
    401: _NOT_AUTHENTICATED,
    408: _problem("The whole request did not come within a minute."),
    409: _problem("Contested: the same source and id came before with other content, and the first stands."),
    413: _problem("Larger than 256 KiB, or 8 MiB for a batch."),
    503: _AWAY,
}

POST: dict[str, Any] = {
    "status_code": 202,
    "response_model": None,
    "responses": _POST_RESPONSES,
    "openapi_extra": {"requestBody": _REQUEST_BODY},
}
GET_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": SubmissionAnswer, "description": "What became of it so far."},
    401: _NOT_AUTHENTICATED,
    404: _problem("No submission of the caller's has this id."),
    503: _AWAY,
}
