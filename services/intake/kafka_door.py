"""The gate on Kafka: signed records of `submissions.<partner>` become submissions; what cannot is parked, sealed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import structlog

from eventlog.wire import Incoming
from services.intake import bindings
from services.intake.bindings import NotACloudEvent
from services.intake.cloudevent import CloudEvent
from services.intake.gate import Unattributable
from services.intake.parked import Parked, Parking
from services.intake.partner import Partner
from services.intake.partners import Partners
from services.intake.signature import is_signed
from services.intake.submissions import Submissions

GROUP = "intake.submissions"
_PREFIX = "submissions."
_NO_GEMEENTE = "none"
"""Where the vault keeps what came on the topic of a partner that is not registered."""

Reason = Literal["partner-unknown", "not-signed", "not-a-cloudevent", "not-attributable"]

log = structlog.get_logger()


def topic_of(partner: Partner) -> str:
    return _PREFIX + partner.id


class KafkaDoor:
    """The partner is the topic's; the signature proves it."""

    def __init__(self, submissions: Submissions, partners: Partners, parking: Parking) -> None:
        self._submissions = submissions
        self._partners = partners
        self._parking = parking

    def topics(self) -> tuple[str, ...]:
        """The topics of the partners that have a signing key."""
        return tuple(topic_of(partner) for partner in self._partners if partner.signing_key is not None)

    async def take(self, records: Sequence[Incoming]) -> None:
        """Returns when every record is durable, as a submission or parked: only then may it be acknowledged.

        A record that comes again finds its outcome there already.
        """
        sent: list[tuple[Incoming, Partner, CloudEvent]] = []
        parked: list[Parked] = []
        for record in map(_with_bytes_only, records):
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


def _with_bytes_only(record: Incoming) -> Incoming:
    """Kafka knows headers without a value; here they are empty ones, so that no record can stop the others."""
    return replace(record, headers={name: held or b"" for name, held in record.headers.items()})


def _read(record: Incoming, partner: Partner) -> CloudEvent | Reason:
    if partner.signing_key is None or not is_signed(partner.signing_key, record.headers, record.value or b""):
        return "not-signed"
    try:
        return bindings.kafka(record.headers, record.value)
    except NotACloudEvent:
        return "not-a-cloudevent"


def _parked(record: Incoming, gemeente: str, reason: Reason) -> Parked:
    log.warning("record parked", topic=record.topic, partition=record.partition, offset=record.offset, reason=reason)
    return Parked(record, gemeente, reason)
