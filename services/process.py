"""The composition root: the services of one process, their parts, the bus between them and the HTTP side."""

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.bus_kafka import KafkaBus
from eventlog.bus_local import Pull, Wakes
from eventlog.engine import make_engine
from eventlog.ledger import SERVICES, LedgerId
from eventlog.partner_topics import PartnerTopics
from eventlog.positions import Lag, Positions
from eventlog.postgres import PostgresLedger
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower, LedgerSource, Reader, Source
from eventlog.relay import Publishing, Relay
from eventlog.subject_keys import PostgresKeys
from eventlog.vault import Vault
from eventlog.watch import BusWatch
from eventlog.wire import events_topic
from eventlog.writer import Writer
from schemas.programme import Programmes
from services.casework.app import build as build_casework
from services.health import health_router
from services.intake.app import build as build_intake
from services.operations import operations_router
from services.reporting.app import build as build_reporting
from services.runtime import Door, Parts, Service, Settings, SettingsError, Telemetry
from services.runtime.broker import BrokerProbe
from services.runtime.ledger_range import HttpSource, ledger_router
from services.runtime.metrics import CountRequests, Metrics
from services.runtime.observing import ObservedReader
from services.runtime.tracing import Tracing
from services.runtime.watch import Watch, Watched
from services.runtime.web import make_app

BUILD: dict[str, Callable[[Parts], Service]] = {
    "intake": build_intake,
    "casework": build_casework,
    "reporting": build_reporting,
}


class Process:
    """The services named, ready to `start`; `app` serves them."""

    def __init__(
        self,
        settings: Settings,
        names: Sequence[str] = SERVICES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        telemetry: Telemetry | None = None,
    ) -> None:
        self.settings = settings
        self.programmes = Programmes.load(*settings.programmes)
        self.followers: list[Follower] = []
        self._followed: dict[str, list[Follower]] = {name: [] for name in names}
        self._doors: dict[str, list[tuple[Door, PartnerTopics]]] = {name: [] for name in names}
        self._clock = clock
        self._wakes = Wakes()
        self._pulls: list[Pull | BusWatch] = []
        self._watching: asyncio.Task[None] | None = None
        self._kafka = KafkaBus(settings.kafka, clock()) if settings.kafka else None
        self.telemetry = telemetry or Telemetry(Metrics(), Tracing.from_environment(os.environ, names))
        self.parts = {name: self._parts(name) for name in names}
        self.services = {name: BUILD[name](parts) for name, parts in self.parts.items()}
        for service in self.services.values():
            self._connect(service)
        self.watch = self._make_watch()
        self.app = self._make_app()

    def _parts(self, name: str) -> Parts:
        engine = make_engine(self.settings.database_url, name)
        ledger = PostgresLedger(engine, name, self._clock)
        return Parts(
            engine=engine,
            ledger=ledger,
            writer=Writer(ledger, committed=partial(self._wakes.wake, name)),
            programmes=self.programmes,
            settings=self.settings,
            clock=self._clock,
            vault=self._vault(engine) if name == "intake" else None,
            publish=self._kafka.publish if self._kafka else None,
            telemetry=self.telemetry,
        )

    def _vault(self, engine: AsyncEngine) -> Vault:
        if self.settings.vault_key is None:
            raise SettingsError(
                "SPOORBOEK_VAULT_KEY is not set: intake seals personal data with it. Make one, once, with "
                "`openssl rand -base64 32` and keep it: without it nothing that was sealed can be opened"
            )
        return Vault(self.settings.vault_key, PostgresKeys(engine))

    def _connect(self, service: Service) -> None:
        """Have each of the service's readers followed over the bus there is."""
        for reader in service.readers:
            follower = self._follower(service, reader, service.patience_seconds, Quarantine(service.name))
            if self._kafka:
                self._kafka.follow(follower, group=f"spoorboek.{service.name}.{reader.name}")
                self._pulls.append(BusWatch(follower))
            else:
                self._pulls.append(Pull(follower, self._wakes))
        if self._kafka:
            publishers = [self._follower(service, one, service.patience_seconds) for one in service.publishers]
            if service.writes_ledger:
                publishers.append(self._follower(service, Relay(service.name, self._kafka.publish), 0.0))
            self._pulls += [Pull(publisher, self._wakes) for publisher in publishers]
            for door in service.doors:
                group = f"spoorboek.{service.name}.{door.name}"
                self._doors[service.name].append((door, self._kafka.subscribe(list(door.topics), group, door.take)))

    def _follower(
        self, service: Service, reader: Reader, patience_seconds: float, quarantine: Quarantine | None = None
    ) -> Follower:
        observed, publishes = ObservedReader(service.name, reader, self.telemetry), reader.source == service.name

        def moved(ledger: LedgerId) -> None:
            if not publishes:  # What a publisher does with the service's own ledger is not in it.
                self._wakes.wake(service.name, ledger.gemeente)
            observed.committed()

        positions, source = Positions(self.parts[service.name].engine, service.name), self._source(reader.source)
        kind = Publishing if publishes else Follower
        follower = kind(observed, positions, source, moved, quarantine, patience_seconds)
        self.followers.append(follower)
        self._followed[service.name].append(follower)
        return follower

    def _source(self, name: str) -> Source:
        if name in self.parts:
            return LedgerSource(self.parts[name].ledger)
        address = (self.settings.peers or {}).get(name)
        if not address or not self.settings.service_key:
            raise SettingsError(
                f"a reader here follows {name}, which runs elsewhere: set SPOORBOEK_SERVICE_KEY (the same for all "
                f"services) and SPOORBOEK_PEERS, as in `{name}=http://{name}:8080`"
            )
        return HttpSource(name, address, self.settings.service_key)

    def _make_app(self) -> FastAPI:
        routers = [service.router for service in self.services.values()]
        if self.settings.service_key:
            routers += [ledger_router(parts.ledger, self.settings.service_key) for parts in self.parts.values()]
        operations = operations_router(self.watch.look, self.telemetry.metrics, list(self.services), self._clock)
        app = make_app("Spoorboek", [health_router(self.watch.look), operations, *routers], self.watch.doubt)
        app.add_middleware(CountRequests, metrics=self.telemetry.metrics)
        return app

    def _make_watch(self) -> Watch:
        watched = [
            Watched(service, self.parts[name].engine, tuple(self._followed[name]), tuple(self._doors[name]))
            for name, service in self.services.items()
        ]
        broker = BrokerProbe(self.settings.kafka) if self.settings.kafka else None
        return Watch(watched, broker, self.settings.lag_seconds, self._clock)

    async def start(self) -> None:
        """Connect everything; what follows the ledgers begins where it left off."""
        for service in self.services.values():
            if service.start:
                await service.start()
        if self._kafka:
            await self._kafka.start(self._topics())
        for pull in self._pulls:
            pull.start()
        self.watch.started = True
        self._watching = asyncio.create_task(self.watch.run(), name="watch")

    def _topics(self) -> list[str]:
        """Every topic this process reads or writes, but those that partners write."""
        ours = {events_topic(follower.reader.source) for follower in self.followers}
        return sorted(ours.union(*(service.topics for service in self.services.values())))

    async def stop(self) -> None:
        """Ends between transactions or undoes the running one; nothing is left half."""
        if self._kafka:
            await self._kafka.stop_reading()
        for pull in self._pulls:
            await pull.stop()
        if self._kafka:
            await self._kafka.stop()
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self.watch.close()
        await asyncio.to_thread(self.telemetry.tracing.stop)
        for parts in self.parts.values():
            await parts.engine.dispose()

    async def lag(self) -> Lag:
        """How far all readers of this process are, together."""
        lags = [await follower.lag() for follower in self.followers]
        return Lag(reached=sum(lag.reached for lag in lags), behind=sum(lag.behind for lag in lags))
