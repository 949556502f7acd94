"""The three services as processes on a PostgreSQL and a Kafka of their own, with lines between them that can be cut."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from uuid import uuid4

import asyncpg
import httpx

from services.migrations import migrate
from services.process import Process
from services.runtime import Settings
from services.submitting import submit
from tests.deploy.compose import LocalDeployment
from tests.faults.keeping import Keeper
from tests.faults.machines import BrokerMachine, DatabaseMachine, Machine, ServiceProcess, disk, unmount
from tests.faults.observing import Kept, answers, observe, unsigned
from tests.faults.plan import SERVICES
from tests.faults.work import Work
from tests.parts import docker_engine
from tests.parts.folder import remove, run_folder
from tests.parts.kafka import Broker, running_broker
from tests.parts.kafka_process import BrokerProcess, free_port
from tests.parts.line import Line
from tests.parts.postgres_process import PostgresProcess

DISK_MEGABYTES = 300
SETTLE_SECONDS = 120
UP_SECONDS = 90
_VAULT_KEY = bytes(range(32))
"""The same in every run: pseudonyms are keyed with it, and two runs are compared by them."""


@dataclass
class Installation:
    """Everything of one round; `keepers` by what the plan calls its targets."""

    folder: Path
    work: Work
    database: PostgresProcess
    deployment: LocalDeployment
    lines: dict[str, Line]
    bootstrap: str
    keepers: dict[str, Keeper] = field(default_factory=dict)
    services: dict[str, ServiceProcess] = field(default_factory=dict)

    @property
    def broker(self) -> BrokerMachine:
        machine = self.keepers["broker"].machine
        assert isinstance(machine, BrokerMachine)
        return machine

    def instance(self, service: str, port: int | None = None) -> ServiceProcess:
        log = self.folder / f"{service}{'' if port is None else '-second'}.txt"
        programmes = self.work.folder / "programmes"
        return ServiceProcess(self.deployment, service, programmes, log, port or self.deployment.ports[service])

    async def up(self) -> None:
        """Wait until every part is ready for the first time; raises TimeoutError, which names those that are not."""
        try:
            async with asyncio.timeout(UP_SECONDS):
                for keeper in self.keepers.values():
                    await keeper.ready.wait()
        except TimeoutError as error:
            missing = [name for name, keeper in self.keepers.items() if not keeper.ready.is_set()]
            raise TimeoutError(f"not ready {UP_SECONDS} s after the start: {', '.join(missing)}") from error

    async def settle(self) -> float:
        """The seconds until every reader has had everything; raises TimeoutError where one is stuck."""
        begun = monotonic()
        behind: dict[str, int | None] = {}
        quiet = 0
        while quiet < 3:  # the first reader's work makes more for the next
            if monotonic() - begun > SETTLE_SECONDS:
                raise TimeoutError(f"a reader is stuck, {SETTLE_SECONDS} s after the last fault: {behind}")
            behind = {name: await service.behind() for name, service in self.services.items()}
            quiet = quiet + 1 if set(behind.values()) == {0} else 0
            await asyncio.sleep(0.1)
        return monotonic() - begun

    async def kept(self) -> Kept:
        kept = await observe(
            self.database.url("disturbed"),
            _VAULT_KEY,
            self.work,
            self.services["intake"].client,
            self.services["reporting"].client,
        )
        partners = [sender.id for sender in self.work.senders.values()]
        kept.answers = await answers(self.bootstrap, partners)
        kept.unsigned = await unsigned(self.bootstrap, partners)
        return kept


async def undisturbed(database: PostgresProcess, work: Work) -> Kept:
    """The same submissions in one process on the local bus, where nothing fails."""
    url = await _new_database(database, "calm")
    process = Process(
        Settings(
            database_url=url,
            vault_key=_VAULT_KEY,
            partners=(work.folder / "partners",),
            programmes=(work.folder / "programmes",),
        )
    )
    await process.start()
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(process.app), base_url="http://calm", timeout=60
        ) as client:
            await submit(client, work.events, lambda source: work.senders[source].bearer_key)
            for _ in range(2):
                while (await process.lag()).behind:
                    await asyncio.sleep(0.05)
            return await observe(url, _VAULT_KEY, work, client, client)
    finally:
        await process.stop()


@asynccontextmanager
async def installed(work: Work, database: PostgresProcess, folder: Path) -> AsyncIterator[Installation]:
    """Up and ready, each machine kept up by its keeper."""
    await _new_database(database, "disturbed")
    async with AsyncExitStack() as stack:
        door_port, database_line = free_port(), Line(free_port(), database.port)
        lines = {"database": database_line}
        broker, log = stack.enter_context(_broker(folder, lines))
        url = database.url("disturbed", database_line.port)
        keys = {"SPOORBOEK_VAULT_KEY": base64.b64encode(_VAULT_KEY).decode(), "SPOORBOEK_SERVICE_KEY": "faults"}
        variables = keys | {"SPOORBOEK_PARTNERS": str(work.folder / "partners")}
        deployment = LocalDeployment(url, broker.bootstrap, variables, folder)
        lines["door"] = Line(door_port, deployment.ports["intake"])
        installation = Installation(folder, work, database, deployment, lines, broker.bootstrap)
        for line in lines.values():
            await line.open()
            stack.callback(line.close)
        machines: dict[str, Machine] = {
            "database": DatabaseMachine(database, database_line),
            "broker": BrokerMachine(broker, lines.get("broker"), log),
        }
        for name, machine in machines.items():
            installation.keepers[name] = Keeper(name, machine)
        for service in SERVICES:
            installation.services[service] = installation.instance(service)
            installation.keepers[service] = Keeper(service, installation.services[service])
        for keeper in installation.keepers.values():
            keeper.start()
            stack.push_async_callback(keeper.stop)
        yield installation


@contextmanager
def own_database() -> Iterator[PostgresProcess]:
    folder = run_folder() / f"faults-postgres-{uuid4().hex[:8]}"
    server = PostgresProcess(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        remove(folder)


@contextmanager
def _broker(folder: Path, lines: dict[str, Line]) -> Iterator[tuple[Broker, Path | None]]:
    """A process, behind a line and with a small disk for its log where the machine can; else a container."""
    if docker_engine.answers():
        with running_broker() as container:
            yield container, None
        return
    line_port = free_port()
    process = BrokerProcess(folder / "kafka", through=line_port)
    lines["broker"] = Line(line_port, process.port)
    log = process.folder / "log"
    own_disk = disk(log, DISK_MEGABYTES)
    try:
        yield process, log if own_disk else None
    finally:
        process.kill()
        if own_disk:
            unmount(log)
        remove(process.folder)


async def _new_database(database: PostgresProcess, name: str) -> str:
    admin = await asyncpg.connect(host="127.0.0.1", port=database.port, user="postgres", database="postgres")
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await admin.execute(f'CREATE DATABASE "{name}"')
    finally:
        await admin.close()
    await migrate(database.url(name))
    return database.url(name)
