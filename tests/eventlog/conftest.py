"""A casework ledger in PostgreSQL, connected as the casework role."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.bus_kafka import KafkaBus
from eventlog.engine import make_engine
from eventlog.postgres import PostgresLedger
from tests.eventlog.picky import Desk, desk_at
from tests.parts.kafka import admin_of


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database_url, "casework")
    yield engine
    await engine.dispose()


@pytest.fixture
def ledger(engine: AsyncEngine) -> PostgresLedger:
    return PostgresLedger(engine, "casework")


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with desk_at(database_url) as desk:
        yield desk


@pytest.fixture
async def bus(empty_kafka: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(empty_kafka)
    yield bus
    await bus.stop()


@pytest.fixture
async def admin(empty_kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    async with admin_of(empty_kafka) as admin:
        yield admin
