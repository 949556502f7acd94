"""A real Apache Kafka for the run, which a test may kill, freeze and start again on the same data and port."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Protocol
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.parts import docker_engine
from tests.parts.folder import remove, run_folder
from tests.parts.kafka_process import BrokerProcess


class Broker(Protocol):
    """One broker: its address stays the same and its log is kept through every kill and start."""

    bootstrap: str

    def start(self) -> None:
        """Start, or start again after `kill`, and return when it answers."""

    def kill(self) -> None:
        """kill -9: nothing is flushed, nobody is told."""

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers, as in a long garbage collection."""

    def resume(self) -> None:
        """Undo `pause`."""


@contextmanager
def _process() -> Iterator[Broker]:
    folder = run_folder() / f"kafka-{uuid4().hex[:8]}"
    broker = BrokerProcess(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        remove(folder)


@contextmanager
def _container() -> Iterator[Broker]:
    from tests.parts.kafka_container import BrokerContainer

    broker = BrokerContainer()
    try:
        broker.start()
        yield broker
    finally:
        broker.remove()


def running_broker() -> AbstractContextManager[Broker]:
    """Apache Kafka in a container where Docker answers, else its published jars on the Java runtime."""
    return _container() if docker_engine.answers() else _process()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Broker]:
    """The run's broker, started by the first test that asks; leave it running."""
    with running_broker() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_broker: Broker) -> str:
    """The address of the run's broker, `host:port`."""
    return kafka_broker.bootstrap


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def delete_topics(admin: AIOKafkaAdminClient) -> set[str]:
    """All but the broker's own; which they were."""
    had = {topic for topic in await admin.list_topics() if not topic.startswith("__")}
    if had:
        await admin.delete_topics(list(had))
    return had


@pytest.fixture
async def empty_kafka(kafka_bootstrap: str) -> AsyncIterator[str]:
    """The address of the run's broker without a topic; what the test makes is deleted afterwards."""
    yield kafka_bootstrap
    async with admin_of(kafka_bootstrap) as admin:
        await delete_topics(admin)


@pytest.fixture
def own_kafka_broker() -> Iterator[Broker]:
    """A broker of the test's own, for faults that would disturb other tests."""
    with running_broker() as broker:
        yield broker
