"""How CloudEvents travel: structured and batched as JSON, binary in the headers of HTTP or Kafka (CloudEvents 1.0)."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from services.intake import json_array, strict_json
from services.intake.cloudevent import MOST_DATA_BYTES, CloudEvent

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
MOST_IN_BATCH = 1000
MOST_BATCH_BYTES = 8 * 1024 * 1024
MOST_EVENT_BYTES = 256 * 1024
"""Of an event as JSON: four times its data, which escapes may make three of. What is longer takes too long to read."""
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')


class NotACloudEvent(ValueError):
    """There is no CloudEvent in what was sent; the message tells the sender's developer what to change."""


def media_type(content_type: str | None) -> str:
    """The media type alone, in lower case: `Application/JSON; charset=utf-8` is application/json."""
    return (content_type or "").partition(";")[0].strip().lower()


def structured(body: bytes) -> CloudEvent:
    """One event as one JSON object."""
    if len(body) > MOST_EVENT_BYTES:
        raise NotACloudEvent(f"Send at most {MOST_EVENT_BYTES} bytes as one event, of which {MOST_DATA_BYTES} as data.")
    try:
        event = strict_json.read(body).value
    except strict_json.NotStrictJson as error:
        raise NotACloudEvent(f"Send the event as JSON: {error}.") from error
    if not isinstance(event, dict):
        raise NotACloudEvent("Send the event as a JSON object with the CloudEvents attributes and data.")
    attributes = {name: value for name, value in event.items() if name not in ("data", "data_base64")}
    return CloudEvent({name: value for name, value in attributes.items() if value is not None}, _data(event))


def batch(body: bytes) -> Iterator[CloudEvent | NotACloudEvent]:
    """Each event of a JSON array by itself, so that one bad event does not take the others along."""
    try:
        items = list(islice(json_array.items(body), MOST_IN_BATCH + 1))
    except json_array.NotAnArray as error:
        raise NotACloudEvent("Send the batch as a JSON array of events.") from error
    if not items:
        raise NotACloudEvent("Send at least one event in a batch.")
    if len(items) > MOST_IN_BATCH:
        raise NotACloudEvent(f"Send at most {MOST_IN_BATCH} events in a batch, and the others in a next one.")
    return map(_item, items)


def http_binary(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> CloudEvent:
    """The attributes are the `ce-` headers, percent-encoded; the body is the data."""
    pairs = [(name.lower(), value) for name, value in headers]
    attributes = [(name[3:], _unescape(value)) for name, value in pairs if name.startswith(b"ce-")]
    content_types = [value for name, value in pairs if name == b"content-type"]
    return _binary(attributes, content_types, body)


def kafka(headers: Mapping[str, bytes], value: bytes | None) -> CloudEvent:
    """Structured or binary, as the signed part of the record says: the content type alone is not signed."""
    attributes = [(name[3:].encode("utf-8", "replace"), held) for name, held in headers.items() if name[:3] == "ce_"]
    content_types = [held for name, held in headers.items() if name.lower() == "content-type"]
    if any(media_type(held.decode("utf-8", "replace")) == STRUCTURED for held in content_types):
        if attributes or len(content_types) > 1:
            raise NotACloudEvent("Send an event in one mode: structured, or with its attributes in ce_ headers.")
        return structured(value or b"")
    if not {b"id", b"source", b"type"} <= {name for name, _ in attributes}:
        raise NotACloudEvent(f"Send a CloudEvent: content-type {STRUCTURED}, or ce_id, ce_source and ce_type.")
    return _binary(attributes, content_types, value)


def _binary(attributes: list[tuple[bytes, bytes]], content_types: list[bytes], data: bytes | None) -> CloudEvent:
    if not attributes:
        raise NotACloudEvent(
            f"Send a CloudEvent: Content-Type {STRUCTURED} or {BATCHED}, or the attributes in ce-headers."
        )
    named = [*attributes, *((b"datacontenttype", content_type) for content_type in content_types)]
    try:
        text = {name.decode("ascii"): value.decode("utf-8") for name, value in named}
    except UnicodeDecodeError as error:
        raise NotACloudEvent("Send the names of attributes in ASCII and their values in UTF-8.") from error
    if len(text) != len(named):
        raise NotACloudEvent("Send every attribute once; the type of the data is the Content-Type.")
    return CloudEvent(text, data or None)


def _unescape(value: bytes) -> bytes:
    """A header's value may be quoted and is percent-encoded (CloudEvents HTTP binding 3.1.3.2)."""
    if (quoted := _QUOTED.fullmatch(value)) is not None:
        value = re.sub(rb"\\(.)", rb"\1", quoted[1])
    return unquote_to_bytes(value)


def _item(body: bytes) -> CloudEvent | NotACloudEvent:
    try:
        return structured(body)
    except NotACloudEvent as error:
        return error


def _data(event: dict[str, Any]) -> bytes | None:
    if "data_base64" not in event:
        return msgspec.json.encode(event["data"], order="sorted") if event.get("data") is not None else None
    if "data" in event:
        raise NotACloudEvent("Send data or data_base64, not both.")
    try:
        return base64.b64decode(event["data_base64"], validate=True) or None
    except (binascii.Error, TypeError, ValueError) as error:
        raise NotACloudEvent("Send data_base64 as base64, or the JSON itself in data.") from error
