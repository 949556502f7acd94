"""The OpenAPI 3.1 document of an application, by the NL GOV API Design Rules, and what is wrong with one."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.alias_generators import to_camel

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_VALIDATION = ("HTTPValidationError", "ValidationError")
_PATH = re.compile(r"/v[0-9]+(/([a-z0-9]+(-[a-z0-9]+)*|\{[a-z][A-Za-z0-9]*\}))+")
_CAMEL = re.compile(r"[a-z][A-Za-z0-9]*")
_SEMANTIC = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")

_API_VERSION = {"description": "The version of this API.", "schema": {"type": "string"}}
_INVALID = {
    "description": "The request does not fit; errors names each field. What was sent is never repeated.",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "properties": {"status": {"const": 400}, "title": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["status", "title", "detail"],
            }
        }
    },
}


def document(app: FastAPI) -> dict[str, Any]:
    """What `app` serves and publishes: FastAPI's document with 400 for 422, and API-Version on every answer."""
    shared: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=app.description, contact=app.contact, routes=app.routes
    )
    made = deepcopy(shared)
    for _, _, operation in _operations(made):
        operation["operationId"] = to_camel(operation["summary"].lower().replace(" ", "_"))
        if operation["responses"].pop("422", None):
            operation["responses"].setdefault("400", deepcopy(_INVALID))
        operation["responses"] = dict(sorted(operation["responses"].items()))
        for response in operation["responses"].values():
            response.setdefault("headers", {})["API-Version"] = {"$ref": "#/components/headers/API-Version"}
    components = made.setdefault("components", {})
    components["headers"] = {"API-Version": _API_VERSION}
    for name in _VALIDATION:
        components.get("schemas", {}).pop(name, None)
    return made


def problems(made: dict[str, Any]) -> list[str]:
    """Where a document departs from the NL GOV API Design Rules that can be read off it."""
    return [*_of_the_whole(made), *_of_operations(made), *_of_properties(made)]


def _of_the_whole(made: dict[str, Any]) -> Iterator[str]:
    contact = made["info"].get("contact", {})
    yield from (f"info.contact has no {field}" for field in ("name", "email", "url") if not contact.get(field))
    if not _SEMANTIC.fullmatch(made["info"]["version"]):
        yield f"info.version {made['info']['version']} is not a semantic version"
    for path in made.get("paths", {}):
        if not _PATH.fullmatch(path):
            yield f"{path}: begin with the major version, write words in kebab-case, end without a slash"


def _of_operations(made: dict[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for path, method, operation in _operations(made):
        where = f"{method.upper()} {path}"
        if operation.get("operationId") in seen:
            yield f"{where}: operationId {operation['operationId']} is used twice"
        seen.add(operation.get("operationId", ""))
        if "422" in operation["responses"]:
            yield f"{where}: invalid input is answered by 400, not 422"
        for status, response in operation["responses"].items():
            if "API-Version" not in response.get("headers", {}):
                yield f"{where}: {status} has no API-Version header"
            if status.startswith(("4", "5")) and list(response.get("content", {})) != ["application/problem+json"]:
                yield f"{where}: {status} is not application/problem+json"
        for parameter in operation.get("parameters", []):
            if parameter["in"] in ("query", "path") and not _CAMEL.fullmatch(parameter["name"]):
                yield f"{where}: parameter {parameter['name']} is not lowerCamelCase"


def _of_properties(part: Any) -> Iterator[str]:
    match part:
        case dict():
            properties = part.get("properties", {})
            yield from (f"property {name} is not lowerCamelCase" for name in properties if not _CAMEL.fullmatch(name))
            for inner in part.values():
                yield from _of_properties(inner)
        case list():
            for inner in part:
                yield from _of_properties(inner)


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in made.get("paths", {}).items():
        for method in _METHODS & item.keys():
            yield path, method, item[method]
