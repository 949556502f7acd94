"""When the facts must be built anew, and when not."""

from schemas.programme import PUBLISHED, AgeBand, Programme, Programmes
from services.reporting.generations import departs, fingerprint

VENRAY = next(iter(Programmes.load(PUBLISHED)))


def known(*programmes: Programme) -> str:
    return fingerprint(Programmes({programme.id: programme for programme in programmes}))


def test_a_new_programme_needs_no_rebuild() -> None:
    other = VENRAY.model_copy(update={"id": "another"})
    assert not departs(known(VENRAY), known(VENRAY, other))


def test_other_age_bands_need_one() -> None:
    all_ages = {"all": AgeBand(from_years=-1, below_years=23)}
    assert departs(known(VENRAY), known(VENRAY.model_copy(update={"age_bands": all_ages})))


def test_a_programme_that_is_gone_needs_one() -> None:
    assert departs(known(VENRAY), known())
