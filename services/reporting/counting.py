"""From a declaration to SQL: one WHERE clause per selection, so that a figure and the list behind it cannot differ."""

from datetime import timedelta
from typing import Any, assert_never

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Interval,
    Select,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    true,
    tuple_,
)

from services.reporting.facts import REFERRALS, SEGMENTS
from services.reporting.indicators import Indicator, Measure, Selection, Unit
from services.reporting.indicators.dimensions import DURATION_BANDS
from services.reporting.questions import Part, Question

_S, _R = SEGMENTS.c, REFERRALS.c
_EACH_DESTINATION = func.unnest(_S.referred_to).table_valued("destination").render_derived(name="each")
_ABOUT_REFERRALS = (Measure.REFERRED_TO_CONSULENT, Measure.CONSULENT_ANSWERED)
_ONE_DAY = timedelta(days=1)

Day = ColumnElement[Any]


def rows_of(selection: Selection) -> FromClause:
    """The tables that hold what `selection` counts."""
    if selection.measure in _ABOUT_REFERRALS:
        same = and_(_S.gemeente == _R.gemeente, _S.case_id == _R.case_id, _S.segment == _R.segment)
        return SEGMENTS.join(REFERRALS, same)
    return SEGMENTS


def where(question: Question, part: Part, first: Day | None = None, last: Day | None = None) -> ColumnElement[bool]:
    """What a row must be to count in `part` of the answer; `first` and `last` may be columns, to count many periods."""
    selection = selection_of(question.indicator, part)
    first = literal(question.period.first, Date) if first is None else first
    last = literal(question.period.last, Date) if last is None else last
    kept = [value_is(name, value) for name, value in question.cut_of(part).items()]
    kept += [or_(*(value_is(name, value) for value in values)) for name, values in selection.where.items()]
    return and_(
        _S.gemeente == question.programme.gemeente,
        _S.programme == question.programme.id,
        not_(_S.voided),
        measured(selection.measure, first, last),
        *kept,
    )


def selection_of(indicator: Indicator, part: Part) -> Selection:
    if part == "numerator":
        return indicator.numerator
    if indicator.denominator is None:
        raise ValueError(f"{indicator.id} is a count and has no denominator")
    return indicator.denominator


def measured(measure: Measure, first: Day, last: Day) -> ColumnElement[bool]:
    """Whether a row belongs to the period, by the definitions of `Measure`."""
    match measure:
        case Measure.OPENED:
            return _S.opened_on.between(first, last)
        case Measure.REOPENED:
            return and_(_S.opened_on.between(first, last), _S.segment > 1)
        case Measure.CLOSED:
            return _S.closed_on.between(first, last)
        case Measure.CLOSED_WITHIN_SIX_MONTHS:
            return and_(_S.closed_on.between(first, last), _S.closed_on <= _months_after_opening(6))
        case Measure.REFERRED_ON_CLOSING:
            return and_(_S.closed_on.between(first, last), func.cardinality(_S.referred_to) > 0)
        case Measure.OPEN_AT_START:
            return _open_on(cast(first - literal(_ONE_DAY, Interval), Date))
        case Measure.OPEN_AT_END:
            return _open_on(last)
        case Measure.ACTIVE:
            return and_(_S.opened_on <= last, or_(_S.closed_on.is_(None), _S.closed_on >= first))
        case Measure.REFERRED_TO_CONSULENT:
            return _R.referred_on.between(first, last)
        case Measure.CONSULENT_ANSWERED:
            return _R.answered_on.between(first, last)
        case _:
            assert_never(measure)


def unit_key(unit: Unit) -> ColumnElement[Any]:
    """Two rows with the same key count once; a row whose key is NULL counts not at all."""
    match unit:
        case Unit.SEGMENT:
            return tuple_(_S.case_id, _S.segment)
        case Unit.CASE:
            return _S.case_id
        case Unit.FAMILY:
            return _S.family
        case Unit.YOUTH:
            return _S.youth
        case Unit.REFERRAL:
            return tuple_(_R.case_id, _R.referral)
        case _:
            assert_never(unit)


def count(unit: Unit) -> ColumnElement[int]:
    return func.count(unit_key(unit).distinct())


def value_of(dimension: str) -> ColumnElement[Any]:
    """The value of a dimension, to group by; destinations need `with_each_destination`."""
    if dimension == "destination":
        return _EACH_DESTINATION.c.destination
    if dimension == "answer":
        return _R.answer
    if dimension == "duration":
        bands = [
            (_S.closed_on <= _months_after_opening(up_to), literal(code))
            for code, (_, up_to) in DURATION_BANDS.items()
            if up_to is not None
        ]
        return case((_S.closed_on.is_(None), None), *bands, else_=list(DURATION_BANDS)[-1])
    return _S[dimension]


def value_is(dimension: str, value: str) -> ColumnElement[bool]:
    if dimension == "destination":
        return literal(value) == any_(_S.referred_to)
    return value_of(dimension) == value


def with_each_destination(query: Select[Any]) -> Select[Any]:
    """A segment once for each organisation it was referred to, and once without where there is none."""
    return query.join(_EACH_DESTINATION, true(), isouter=True)


def _open_on(day: Day) -> ColumnElement[bool]:
    return and_(_S.opened_on <= day, or_(_S.closed_on.is_(None), _S.closed_on > day))


def _months_after_opening(months: int) -> ColumnElement[Any]:
    return _S.opened_on + func.make_interval(0, months)
