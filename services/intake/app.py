"""The intake service, put together from its parts."""

import structlog
from fastapi import APIRouter

from schemas.programme import Programmes
from services.intake.answers import Answers, Outcomes, topic_for
from services.intake.api import make_router
from services.intake.kafka_door import NAME, KafkaDoor
from services.intake.observed import ObservedSubmissions
from services.intake.pages import make_pages
from services.intake.parked import ParkingLot, count_parked
from services.intake.partners import Partners
from services.runtime import Door, Parts, Service, SettingsError

log = structlog.get_logger()

# A partner reads an answer later than that, and the gate has better to do than to tell each by itself.
_PATIENCE_SECONDS = 0.1


def build(parts: Parts) -> Service:
    """Raises PartnerFileError where a partner's file cannot be used."""
    if parts.vault is None:
        raise SettingsError("intake needs the vault: set SPOORBOEK_VAULT_KEY")
    partners = Partners.load(*parts.settings.partners)
    _hold_against(parts.programmes, partners)
    submissions = ObservedSubmissions(
        parts.ledger, parts.writer, parts.vault, parts.programmes, parts.clock, parts.telemetry
    )
    router = APIRouter()
    router.include_router(make_router(submissions, partners))
    router.include_router(make_pages(submissions, partners, parts.programmes))
    if parts.publish is None:
        outcomes = Outcomes(parts.ledger)
        return Service("intake", router, readers=(outcomes,), patience_seconds=_PATIENCE_SECONDS, parked=count_parked)
    door = KafkaDoor(submissions, partners, ParkingLot(parts.engine, parts.vault))
    return Service(
        "intake",
        router,
        readers=(Outcomes(parts.ledger),),
        publishers=(Answers(parts.publish, {partner.id for partner in partners}),),
        doors=(Door(NAME, door.topics(), door.take),) if door.topics() else (),
        topics=tuple(topic_for(partner.id) for partner in partners),
        patience_seconds=_PATIENCE_SECONDS,
        parked=count_parked,
    )


def _hold_against(programmes: Programmes, partners: Partners) -> None:
    """Say which partner's file names a programme that nobody defined: all that it sends for that one is rejected."""
    for partner in partners:
        for name in partner.programmes:
            if programmes.find(name) is None:
                log.error("partner's file names no programme of this installation", partner=partner.id, programme=name)
