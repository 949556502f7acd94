"""The fold, case by case, without a database."""

from collections.abc import Callable
from datetime import date
from typing import get_args

import pytest

from eventlog.ledger import Recorded
from schemas.case import FACTS, CaseFact
from schemas.submission import SubmissionApplied
from services.reporting.facts import REFERRALS, SEGMENTS, Referral, Segment
from services.reporting.folding import FoldError, fold_recorded, read_fact
from services.reporting.reader import age_bands
from services.reporting.working_set import WorkingSet
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, pseudonym, recorded

DAY = date(2023, 3, 1)


def folded(story: CaseStory, rows: WorkingSet | None = None) -> WorkingSet:
    rows = rows or WorkingSet(GEMEENTE)
    for event in recorded(story):
        if (fact := read_fact(event)) is not None:
            fold_recorded(rows, event, fact, age_bands(PROGRAMMES))
    return rows


def segment(story: CaseStory, number: int = 1) -> Segment:
    return folded(story).segments[story.case, number]


def test_an_opened_case_is_an_open_segment_in_the_age_band_of_its_programme() -> None:
    row = segment(CaseStory("a").opened(DAY, age_years=12))
    assert (row.opened_on, row.closed_on, row.age_band, row.opened_position) == (DAY, None, "12-23", 1)


def test_contacts_add_up_to_minutes() -> None:
    row = segment(CaseStory("a").opened(DAY).first_contact(DAY).contact(DAY, 30).contact(DAY, 45))
    assert (row.first_contact_on, row.contacts, row.minutes, row.last_position) == (DAY, 2, 75, 4)


def test_closing_keeps_reason_and_destinations() -> None:
    row = segment(CaseStory("a").opened(DAY).closed(DAY, "own-initiative", ("social-work",)))
    assert (row.closed_on, row.reason, row.referred_to) == (DAY, "own-initiative", ("social-work",))


def test_reopening_starts_a_segment_of_the_same_family_and_leaves_the_first_closed() -> None:
    later = date(2023, 9, 1)
    story = CaseStory("a").opened(DAY).closed(DAY).opened(later, channel="gp")
    rows = folded(story).segments
    first, second = rows[story.case, 1], rows[story.case, 2]
    assert (first.closed_on, second.opened_on, second.closed_on) == (DAY, later, None)
    assert (second.family, second.channel) == (first.family, "gp")


def test_a_voided_case_is_void_in_all_its_segments() -> None:
    story = CaseStory("a").opened(DAY).closed(DAY).opened(DAY).voided(DAY)
    assert [row.voided for row in folded(story).segments.values()] == [True, True]


def test_a_correction_changes_what_it_names_and_nothing_else() -> None:
    before = CaseStory("a").opened(DAY)
    after = segment(CaseStory("a").opened(DAY).corrected(DAY, age_years=14, area="wijk-b"))
    was = segment(before)
    assert (after.age_years, after.age_band, after.area) == (14, "12-23", "wijk-b")
    assert (after.opened_on, after.channel, after.closed_on) == (was.opened_on, was.channel, was.closed_on)


def test_a_correction_to_nothing_or_to_zero_is_one() -> None:
    story = CaseStory("a").opened(DAY).closed(DAY, referred_to=("youth-work",))
    row = segment(story.corrected(DAY, referred_to=(), age_years=0))
    assert (row.referred_to, row.age_years, row.age_band) == ((), 0, "0-4")


def test_a_referral_waits_for_its_answer() -> None:
    story = CaseStory("a").opened(DAY).referred(DAY)
    key = (story.case, pseudonym("r1"))
    assert folded(story).referrals[key].answered_on is None
    assert folded(story.answered(DAY, "taken-over")).referrals[key].answer == "taken-over"


def test_one_synthetic_partner_marks_the_segment() -> None:
    story = CaseStory("a", partner="synthese").opened(DAY)
    assert not segment(story).synthetic
    story.partner = "synthetic-gp"
    assert segment(story.contact(DAY, 10)).synthetic


def test_a_synthetic_partner_that_voids_a_case_marks_all_its_segments() -> None:
    story = CaseStory("a", partner="synthese").opened(DAY).closed(DAY).opened(DAY)
    story.partner = "synthetic-gp"
    assert [row.synthetic for row in folded(story.voided(DAY)).segments.values()] == [True, True]


def test_every_fact_stands_in_the_audit_trail_with_its_bytes() -> None:
    story = CaseStory("a").opened(DAY).contact(DAY, 10).closed(DAY)
    assert [event.data for event in folded(story).new_events] == [told.fact.encode() for told in story.told]


def test_an_event_that_cannot_be_folded_is_named_by_ledger_and_position() -> None:
    story = CaseStory("a").opened(DAY)
    story.segment = 2
    with pytest.raises(FoldError, match=r"casework/GM0984/2: .*segment 2 of case [0-9a-f]{32} was never opened"):
        folded(story.closed(DAY))


@pytest.mark.parametrize(
    "tell",
    [lambda story: story.voided(DAY), lambda story: story.referred(DAY, "r2"), lambda story: story.answered(DAY)],
)
def test_what_is_said_of_a_segment_that_was_never_opened_changes_no_other(
    tell: Callable[[CaseStory], CaseStory],
) -> None:
    story = CaseStory("a").opened(DAY).referred(DAY)
    rows, before = folded(story), folded(story)
    story.segment = 2
    *_, event = recorded(tell(story))
    fact = read_fact(event)
    assert fact is not None
    with pytest.raises(FoldError, match=r"segment 2 of case [0-9a-f]{32} was never opened"):
        fold_recorded(rows, event, fact, age_bands(PROGRAMMES))
    assert rows == before


@pytest.mark.parametrize(
    ("type_", "data"),
    [("nl.overheid.jeugdzaken.case.flew-away.v1", b"{}"), ("nl.overheid.jeugdzaken.case.assigned.v1", b'{"coach":1}')],
)
def test_an_unknown_or_unreadable_event_is_named_by_ledger_and_position(type_: str, data: bytes) -> None:
    event = recorded(CaseStory("a").opened(DAY), first_position=7)[0]
    broken = Recorded(**{name: getattr(event, name) for name in Recorded.__slots__} | {"type": type_, "data": data})
    with pytest.raises(FoldError, match="casework/GM0984/7"):
        read_fact(broken)


def test_the_answer_to_a_submission_is_no_fact() -> None:
    event = recorded(CaseStory("a").opened(DAY))[0]
    answer = SubmissionApplied(submission="0" * 32, case="0" * 32, facts=1)
    said = {"type": answer.type, "data": answer.encode()}
    assert read_fact(Recorded(**{name: getattr(event, name) for name in Recorded.__slots__} | said)) is None


def test_rows_and_tables_have_the_same_columns_in_the_same_order() -> None:
    for table, row in ((SEGMENTS, Segment), (REFERRALS, Referral)):
        assert tuple(table.columns.keys()) == row.__slots__


def test_every_published_fact_is_one_the_fold_knows() -> None:
    assert set(FACTS) == set(get_args(CaseFact))
