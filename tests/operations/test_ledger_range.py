"""A range of a ledger over HTTP: whoever holds the services' own key gets it, and nobody else."""

from collections.abc import AsyncIterator

import httpx
import pytest

from eventlog.memory import MemoryLedger
from services.runtime.ledger_range import ledger_router
from services.runtime.web import make_app
from tests.eventlog.making import GEMEENTE, append

KEY = "between-us"
PATHS = ("/casework", f"/casework/{GEMEENTE}")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Asks for casework's ledgers, of which there is one."""
    ledger = MemoryLedger("casework")
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append("a", count=3)])
    transport = httpx.ASGITransport(make_app("casework", [ledger_router(ledger, KEY)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://casework/v1/ledgers") as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, *({"Authorization": said} for said in ("Bearer ", KEY, f"Bearer {KEY}x"))])
async def test_who_does_not_hold_the_services_own_key_gets_nothing_of_a_ledger(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    refused = await client.get(path, headers=headers)
    assert refused.status_code == 401
    assert refused.json()["title"] == "Not allowed"
    assert GEMEENTE not in refused.text


async def test_who_holds_it_gets_the_sizes_and_what_comes_after_a_position(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = f"Bearer {KEY}"
    sizes, events = [await client.get(path, params={"after": 1, "limit": 1}) for path in PATHS]
    assert (sizes.status_code, sizes.json()) == (200, {GEMEENTE: 3})
    assert [int(one["attributes"]["sequence"]) for one in events.json()] == [2]


@pytest.mark.parametrize("asked", ["GM0984%00", "%00", "GM09840", f"{GEMEENTE}?after={10**23}"])
async def test_what_no_ledger_has_is_no_failure_of_ours(client: httpx.AsyncClient, asked: str) -> None:
    client.headers["Authorization"] = f"Bearer {KEY}"
    assert (await client.get(f"/casework/{asked}")).status_code == 400


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_a_page_has_as_many_as_were_asked_and_are_there(client: httpx.AsyncClient, limit: int) -> None:
    client.headers["Authorization"] = f"Bearer {KEY}"
    page = (await client.get(f"/casework/{GEMEENTE}", params={"limit": limit})).json()
    assert [int(one["attributes"]["sequence"]) for one in page] == [1, 2, 3][:limit]
