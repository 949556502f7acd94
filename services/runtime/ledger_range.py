"""A range of a ledger over HTTP: how a reader in another process gets the positions that the bus did not bring it."""

import hmac
from collections.abc import Callable
from typing import Annotated, TypeVar

import httpx
import msgspec
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from eventlog.errors import EventlogError
from eventlog.ledger import Ledger, LedgerId, Recorded
from eventlog.wire import Incoming, events_topic, recorded
from schemas.event import Gemeente
from services.problem import Problem

_AT_ONCE = 1000


class _Line(msgspec.Struct):
    """One event of an answer: what it is as a CloudEvent, and its bytes, in base64."""

    attributes: dict[str, str]
    data: bytes


_Answer = TypeVar("_Answer")
_decode_sizes = msgspec.json.Decoder(dict[str, Annotated[int, msgspec.Meta(ge=0)]]).decode
_decode_lines = msgspec.json.Decoder(list[_Line]).decode


def ledger_router(ledger: Ledger, service_key: str) -> APIRouter:
    """`GET /v1/ledgers/{service}` and `…/{gemeente}`, for who holds the services' own key."""
    router = APIRouter(prefix=f"/v1/ledgers/{ledger.service}", include_in_schema=False)

    def allow(authorization: str) -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {service_key}".encode()):
            raise Problem(401, "Not allowed", "Ledgers are read by the services of this installation alone.")

    @router.get("")
    async def sizes(authorization: Annotated[str, Header()] = "") -> dict[str, int]:
        allow(authorization)
        async with ledger.asking() as tx:
            return await ledger.sizes(tx)

    @router.get("/{gemeente}")
    async def events(
        gemeente: Gemeente,
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=_AT_ONCE)] = _AT_ONCE,
        authorization: Annotated[str, Header()] = "",
    ) -> Response:
        allow(authorization)
        async with ledger.asking() as tx:
            found = await ledger.read(tx, gemeente, after, limit)
        lines = [_Line(event.attributes(), event.data) for event in found]
        return Response(msgspec.json.encode(lines), media_type="application/json")

    return router


class HttpSource:
    """The ledgers of a service in another process.

    Raises EventlogError where it is not there, or where something else answers in its place.
    """

    def __init__(self, service: str, address: str, service_key: str) -> None:
        self._service = service
        self._client = httpx.AsyncClient(
            base_url=f"{address}/v1/ledgers",
            headers={"Authorization": f"Bearer {service_key}"},
            timeout=30,
        )

    async def sizes(self) -> dict[str, int]:
        return await self._get(f"/{self._service}", {}, _decode_sizes)

    async def read(self, gemeente: str, after: int, limit: int = _AT_ONCE) -> list[Recorded]:
        asked = {"after": after, "limit": limit}
        lines = await self._get(f"/{self._service}/{gemeente}", asked, _decode_lines)
        events = [self._recorded(line) for line in lines]
        # A cache, or another's answer: taken for what was asked it would be folded there, or asked for without end.
        if any(event.ledger.gemeente != gemeente or event.position <= after for event in events):
            ledger = LedgerId(self._service, gemeente)
            raise EventlogError(f"{self._service} answered something else when asked for {ledger} after {after}")
        return events

    async def _get(self, path: str, parameters: dict[str, int], decode: Callable[[bytes], _Answer]) -> _Answer:
        try:
            answer = await self._client.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise EventlogError(f"{self._service} cannot be reached for its ledger ({type(error).__name__})") from error
        if answer.status_code != httpx.codes.OK:
            raise EventlogError(f"{self._service} answered {answer.status_code} when asked for its ledger")
        try:
            return decode(answer.content)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EventlogError(
                f"{self._service} answered something else than its ledger: see what answers at {answer.url.host} "
                "in its place (SPOORBOEK_PEERS)"
            ) from error

    def _recorded(self, line: _Line) -> Recorded:
        headers = [(f"ce_{name}", value.encode()) for name, value in line.attributes.items()]
        return recorded(Incoming(events_topic(self._service), 0, 0, None, headers, line.data))
