"""The gate on Kafka: signed records of `submissions.<partner>` become submissions; what cannot is parked, sealed."""

from collections.abc import Iterable, Sequence

import structlog

from eventlog.wire import Incoming
from services.intake import bindings
from services.intake.bindings import NotACloudEvent
from services.intake.cloudevent import CloudEvent
from services.intake.gate import Unattributable
from services.intake.pace import with_turns
from services.intake.parked import Parked, Parking, Reason
from services.intake.partner import Partner
from services.intake.partners import Partners
from services.intake.signature import is_signed
from services.intake.submissions import Submissions

NAME = "submissions"
_PREFIX = "submissions."
_NO_GEMEENTE = "none"
"""Where the vault keeps what came on the topic of a partner that is not registered."""

log = structlog.get_logger()


def topic_of(partner: Partner) -> str:
    return _PREFIX + partner.id


class KafkaDoor:
    """The partner is the topic's; the signature proves it."""

    def __init__(self, submissions: Submissions, partners: Partners, parking: Parking) -> None:
        self._submissions = submissions
        self._partners = partners
        self._parking = parking

    def topics(self) -> dict[str, str]:
        """The topics of the partners that have a signing key, and whose gemeente each is."""
        return {topic_of(partner): partner.gemeente for partner in self._partners if partner.signing_key is not None}

    async def take(self, records: Sequence[Incoming]) -> None:
        """Returns when every record is durable, as a submission or parked: only then may it be acknowledged.

        A record that comes again finds its outcome there already.
        """
        sent: list[tuple[Incoming, Partner, CloudEvent]] = []
        parked: list[Parked] = []
        async for record in with_turns(records):
            if (partner := self._partners.find(record.topic.removeprefix(_PREFIX))) is None:
                parked.append(_parked(record, _NO_GEMEENTE, "partner-unknown"))
            elif isinstance(read := _read(record, partner), CloudEvent):
                sent.append((record, partner, read))
            else:
                parked.append(_parked(record, partner.gemeente, read))
        outcomes = await self._submissions.submit_many([(partner, event) for _, partner, event in sent])
        for (record, partner, _), outcome in zip(sent, outcomes, strict=True):
            if isinstance(outcome, Unattributable):
                parked.append(_parked(record, partner.gemeente, "not-attributable"))
        await self._parking.park(parked)


def _read(record: Incoming, partner: Partner) -> CloudEvent | Reason:
    """The event, or the reason why there is none."""
    if record.unread:
        return record.unread
    if _is_ambiguous(name for name, _ in record.headers):
        return "header-twice"
    headers = {name: held or b"" for name, held in record.headers}  # Kafka knows headers without a value.
    if partner.signing_key is None or not is_signed(partner.signing_key, headers, record.value or b""):
        return "not-signed"
    try:
        return bindings.kafka(headers, record.value)
    except NotACloudEvent:
        return "not-a-cloudevent"


def _is_ambiguous(headers: Iterable[str]) -> bool:
    """Whether one that says what the record means is there twice; others, as a proxy's traces, mean nothing to us."""
    ours = [name for name in headers if name.startswith("ce_") or name.lower() in ("content-type", "signature")]
    return len(set(ours)) < len(ours)


def _parked(record: Incoming, gemeente: str, reason: Reason) -> Parked:
    log.warning("record parked", topic=record.topic, partition=record.partition, offset=record.offset, reason=reason)
    return Parked(record, gemeente, reason)
