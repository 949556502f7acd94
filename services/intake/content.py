"""What was sent, in one form: it tells a repeat of a submission from another use of its id."""

import msgspec

from services.intake import strict_json
from services.intake.cloudevent import CloudEvent


def canonical(event: CloudEvent) -> bytes:
    """Source, id, type and data; white space, the order of names and what carried it do not count."""
    said = {name: event.attributes.get(name) for name in ("source", "id", "type")}
    if event.data is None:
        return msgspec.json.encode(said, order="sorted")
    try:
        data = strict_json.read(event.data)
    except strict_json.NotStrictJson:
        # The other forms end where the object of attributes ends, so this one never equals them.
        return msgspec.json.encode(said, order="sorted") + b"\n" + event.data
    return msgspec.json.encode(said | {"data": data.value}, order="sorted")
