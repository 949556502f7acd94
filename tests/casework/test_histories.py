"""Whatever partners state, in whatever order: a case's history stays possible, and stating again adds nothing."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schemas.programme import Programme
from services.casework.case import AnyStatement, Case, Refusal, decide, evolve
from tests.casework.stories import (
    VENRAY,
    answer,
    assess,
    assign,
    correct,
    end,
    enquire,
    log_contact,
    make_first_contact,
    refer,
    resume,
    void,
)

FIRST = date(2023, 12, 20)
# Few days and few values, so that statements meet: repeats, overlaps, the last day of the programme.
days = st.integers(0, 20).map(lambda offset: (FIRST + timedelta(offset)).isoformat())
maybe_days = st.none() | days
ages = st.sampled_from([8, 22, 23])
areas = st.sampled_from(["wijk-a", "wijk-b", "wijk-z"])
reasons = st.sampled_from(["as-planned", "own-initiative", "scaled-up"])
destinations = st.sampled_from([(), ("consulent",), ("youth-work", "consulent"), ("nowhere",)])
two = st.sampled_from(["one", "two"])

in_support = st.one_of(
    st.builds(assign, days, two),
    st.builds(make_first_contact, days),
    st.builds(log_contact, days, two, st.sampled_from([30, 45])),
    st.builds(assess, days, st.sampled_from(["regular", "pilot-flame", "vague"])),
    st.builds(refer, days, two, st.booleans()),
    st.builds(answer, days, two, st.sampled_from(["advised", "declined", "maybe"])),
)
opening_and_closing = st.one_of(
    st.builds(enquire, days, age_years=ages, area=areas),
    st.builds(end, days, reason=reasons, referred_to=destinations),
    st.builds(resume, days, age_years=ages, area=areas),
)
corrections = st.builds(
    correct,
    days,
    segment=st.integers(1, 3),
    opened_on=maybe_days,
    closed_on=maybe_days,
    area=st.none() | areas,
    reason=st.none() | reasons,
    referred_to=st.none() | destinations,
)


class AnyHistory(RuleBasedStateMachine):
    """One case, told anything at all."""

    def __init__(self) -> None:
        super().__init__()
        self.case: Case | None = None

    def tell(self, statement: AnyStatement) -> None:
        decision = decide(statement, self.case, VENRAY)
        if isinstance(decision, Refusal):
            assert decide(statement, self.case, VENRAY) == decision
            return
        self.case = after(self.case, statement, VENRAY)
        assert decide(statement, self.case, VENRAY) == ()

    @rule(statement=st.builds(enquire, days))
    def somebody_asks(self, statement: AnyStatement) -> None:
        self.tell(statement)

    @rule(statement=opening_and_closing)
    def a_case_opens_or_closes(self, statement: AnyStatement) -> None:
        self.tell(statement)

    @rule(statement=in_support)
    def something_happens(self, statement: AnyStatement) -> None:
        self.tell(statement)

    @rule(statement=corrections)
    def something_was_wrong(self, statement: AnyStatement) -> None:
        self.tell(statement)

    @rule(day=days, often=st.integers(0, 9))
    def it_should_not_have_been_registered(self, day: str, often: int) -> None:
        if often == 0:
            self.tell(void(day))

    @invariant()
    def segments_follow_one_another(self) -> None:
        segments = self.case.segments if self.case else ()
        assert [segment.number for segment in segments] == list(range(1, len(segments) + 1))
        for earlier, later in pairwise(segments):
            assert earlier.closing is not None
            assert earlier.closing.day <= later.opened_on

    @invariant()
    def what_happened_lies_within_its_segment(self) -> None:
        for segment in self.case.segments if self.case else ():
            closed_on = segment.closing.day if segment.closing else date.max
            assert segment.opened_on <= closed_on
            assert all(segment.opened_on <= day <= closed_on for day in segment.days())

    @invariant()
    def what_is_registered_is_on_the_programmes_lists(self) -> None:
        for segment in self.case.segments if self.case else ():
            assert VENRAY.runs_on(segment.opened_on)
            assert segment.age_years in VENRAY.ages
            assert segment.area in VENRAY.areas
            assert {change.value for change in segment.case_types} <= set(VENRAY.case_types)
            if segment.closing:
                assert segment.closing.reason in VENRAY.closing_reasons
                assert set(segment.closing.referred_to) <= set(VENRAY.destinations)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@given(st.lists(in_support | opening_and_closing, max_size=25, unique_by=lambda statement: statement.occurred_on))
@settings(max_examples=100, deadline=None)
def test_a_history_with_one_statement_a_day_adds_nothing_when_it_is_sent_again(
    statements: list[AnyStatement],
) -> None:
    statements = [enquire(FIRST.isoformat()), *sorted(statements, key=lambda statement: statement.occurred_on)]
    case: Case | None = None
    for statement in statements:
        case = after(case, statement, VENRAY)
    for statement in statements:
        assert after(case, statement, VENRAY) == case


def after(case: Case | None, statement: AnyStatement, programme: Programme) -> Case | None:
    decision = decide(statement, case, programme)
    if not isinstance(decision, Refusal):
        for fact in decision:
            case = evolve(case, fact, statement.occurred_on)
    return case
