"""Every programme that comes with Spoorboek can be used, and Venray's says what its sources say."""

from pathlib import Path

import pytest

from schemas.programme import PUBLISHED, Programmes
from tests.casework.stories import VENRAY


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.yaml")), ids=lambda path: path.stem)
class TestEachDefinition:
    def test_is_named_after_its_programme(self, path: Path) -> None:
        assert Programmes.load(PUBLISHED).find(path.stem) is not None

    def test_reports_on_years_in_which_it_ran(self, path: Path) -> None:
        programme = Programmes.load(PUBLISHED).find(path.stem)
        assert programme is not None
        last = programme.valid_until.year if programme.valid_until else 9999
        assert all(programme.valid_from.year <= year <= last for year in programme.reporting_years)

    def test_has_a_title_for_every_code(self, path: Path) -> None:
        programme = Programmes.load(PUBLISHED).find(path.stem)
        assert programme is not None
        for titles in (
            *(programme.areas, programme.channels, programme.help_questions, programme.case_types),
            *(programme.closing_reasons, programme.outcomes, programme.destinations, programme.consulent_answers),
        ):
            assert all(title.strip() for title in titles.values())
            assert len(set(titles.values())) == len(titles)


def test_venray_knows_the_fifteen_channels_its_sources_name() -> None:
    assert len(VENRAY.channels) == 15
    assert {"direct", "school", "gp", "specialist-downscale", "case-conference"} < set(VENRAY.channels)


@pytest.mark.parametrize(
    ("age_years", "band"),
    [(-1, "0-4"), (3, "0-4"), (4, "4-12"), (11, "4-12"), (12, "12-23"), (22, "12-23"), (23, None), (-2, None)],
)
def test_venray_helps_until_the_23rd_birthday(age_years: int, band: str | None) -> None:
    """Source document 001 says "tot 23 jaar" six times and "tot en met 23 jaar" once."""
    assert VENRAY.age_band(age_years) == band


def test_venrays_areas_are_synthetic_and_say_so() -> None:
    assert VENRAY.areas_synthetic
    assert all("synthetisch" in title for title in VENRAY.areas.values())
