"""How a process stands: which parts it can reach, how far its readers are, and what waits for a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from eventlog.partner_partition import TopicLag


@dataclass(frozen=True, slots=True)
class LedgerLag:
    """A reader in one ledger. `seconds` is the age of the oldest event it has not had, 0 where it has had all.

    It is stuck where that age is past what is allowed and the reader has not moved for as long; and where the ledger
    lacks `put_back` events that the reader has had: somebody restored it alone, to an earlier state. As many new events
    would pass for those and be left out.
    """

    gemeente: str
    behind: int
    seconds: float
    stuck: bool = False
    put_back: int = 0


@dataclass(frozen=True, slots=True)
class ReaderStanding:
    """A reader of `service` along the ledgers of `source`; `ledgers` is None where their owner does not answer.

    `why_unknown` says then what came in place of an answer.
    """

    service: str
    reader: str
    source: str
    ledgers: tuple[LedgerLag, ...] | None
    why_unknown: str = ""

    @property
    def behind(self) -> int | None:
        return None if self.ledgers is None else sum(one.behind for one in self.ledgers)

    @property
    def seconds(self) -> float | None:
        return None if self.ledgers is None else max((one.seconds for one in self.ledgers), default=0.0)

    @property
    def stuck(self) -> tuple[LedgerLag, ...]:
        return tuple(one for one in self.ledgers or () if one.stuck)


@dataclass(frozen=True, slots=True)
class LedgerStanding:
    """`synthetic`: its first or its last event was stated by a partner that exists in a demonstration only."""

    service: str
    gemeente: str
    size: int
    root: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Building:
    """A generation of the facts that is being built, in events; `stopped` where no process works on it.

    A copy has the day or the position in `known_on`, as people write it.
    """

    generation: int
    done: int
    to_do: int
    stopped: bool = False
    known_on: str = ""

    @property
    def command(self) -> str:
        """What builds it, and goes on with it."""
        if not self.known_on:
            return "spoorboek replay"
        return f"spoorboek replay --until{'-position' if self.known_on.isdigit() else ''} {self.known_on}"


@dataclass(frozen=True, slots=True)
class Held:
    """Of one service's readers: the events that could not be taken, and those of the same cases that wait behind."""

    quarantined: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """`away` names each part that cannot be reached, with why; what could not be asked is empty here."""

    started: bool
    away: Mapping[str, str]
    parts: tuple[str, ...]
    readers: tuple[ReaderStanding, ...] = ()
    ledgers: tuple[LedgerStanding, ...] = ()
    held: Mapping[str, Held] = field(default_factory=dict)
    parked: Mapping[str, int] | None = None
    """By reason; None where this process has no door to Kafka's records."""
    building: tuple[Building, ...] = ()

    @property
    def stuck(self) -> tuple[str, ...]:
        """Each reader and ledger that stands still, as in `casework at intake/GM0984`."""
        return tuple(_where(reader, ledger) for reader in self.readers for ledger in reader.stuck)

    @property
    def put_back(self) -> tuple[str, ...]:
        """Those of the `stuck` whose ledger lacks what they have had."""
        return tuple(_where(reader, ledger) for reader in self.readers for ledger in reader.stuck if ledger.put_back)

    @property
    def unknown(self) -> Mapping[tuple[str, str], str]:
        """(reader, as in `reporting facts_1`, and source) where the owner of the ledgers does not answer, and why."""
        silent = [reader for reader in self.readers if reader.ledgers is None]
        return {(f"{one.service} {one.reader}", one.source): one.why_unknown for one in silent}

    @property
    def ready(self) -> bool:
        return self.started and not self.away and not self.stuck


def at_door(
    service: str, door: str, gemeenten: Mapping[str, str], lags: Iterable[TopicLag], lag_seconds: float
) -> list[ReaderStanding]:
    """A door reads like a reader, each topic of `gemeenten` by itself; it is stuck when it has tried for too long."""
    return [
        ReaderStanding(
            service,
            door,
            lag.topic,
            (LedgerLag(gemeenten[lag.topic], lag.behind, lag.seconds, lag.still > lag_seconds),),
        )
        for lag in lags
    ]


def _where(reader: ReaderStanding, ledger: LedgerLag) -> str:
    return f"{reader.service} {reader.reader} at {reader.source}/{ledger.gemeente}"
