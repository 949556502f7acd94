"""Figures: the value of an indicator with its receipt, and the rows behind it, all from one moment of the facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, Select, column, func, literal_column, select, true, values
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.ledger import LedgerId
from services.reporting.audit_trail import events_of
from services.reporting.counting import count, rows_of, selection_of, unit_key, value_of, where, with_each_destination
from services.reporting.facts import REFERRALS, SEGMENTS
from services.reporting.held import is_held
from services.reporting.indicators import Indicator, Unit
from services.reporting.kept_generations import reader_name
from services.reporting.periods import Period
from services.reporting.questions import Part, Question
from services.reporting.reader import SOURCE


@dataclass(frozen=True, slots=True)
class LedgerSize:
    """Up to which position of which ledger a figure counts; of `held_cases` not from the event on that is held."""

    name: str
    size: int
    held_cases: int


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is the count, or the share in percent to one decimal; None where the denominator is 0."""

    question: Question
    numerator: int
    denominator: int | None
    ledger: LedgerSize
    synthetic: bool

    @property
    def value(self) -> Decimal | None:
        if self.denominator is None:
            return Decimal(self.numerator)
        return percent(self.numerator, self.denominator)


def percent(numerator: int, denominator: int, decimals: int = 1) -> Decimal | None:
    """Rounded half up, as the evaluation's own percentages are."""
    if denominator == 0:
        return None
    return (Decimal(100 * numerator) / denominator).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Behind:
    """A page of what a figure counts: `total` is the figure's own number, one row for each thing counted."""

    total: int
    rows: Sequence[Row[Any]]


class Snapshot:
    """A generation of the facts at one moment; everything asked of it agrees with everything else."""

    def __init__(
        self, tx: AsyncConnection, generation: int, positions: Mapping[str, int], held: Mapping[str, int]
    ) -> None:
        self._tx = tx
        self._generation = generation
        self._positions, self._held = positions, held
        self._synthetic: dict[tuple[str, str], bool] = {}

    def ledger(self, gemeente: str) -> LedgerSize:
        name = str(LedgerId(SOURCE, gemeente))
        return LedgerSize(name, self._positions.get(name, 0), self._held.get(name, 0))

    async def figure(self, question: Question) -> Figure:
        numerator = await self.count(question, "numerator")
        denominator = None if question.indicator.denominator is None else await self.count(question, "denominator")
        programme = question.programme
        synthetic = await self.is_synthetic(programme.gemeente, programme.id)
        return Figure(question, numerator, denominator, self.ledger(programme.gemeente), synthetic)

    async def by_month(self, question: Question, months: Sequence[Period]) -> list[int]:
        """The numerator in each of `months`, in one query."""
        spans = (
            values(column("first", Date), column("last", Date), name="months")
            .data([(month.first, month.last) for month in months])
            .cte("months")
        )
        selection = selection_of(question.indicator, "numerator")
        matching = where(question, "numerator", spans.c.first, spans.c.last)
        query = (
            select(spans.c.first, count(question.indicator.unit))
            .select_from(rows_of(selection).join(spans, matching))
            .group_by(spans.c.first)
        )
        found = {first: number for first, number in await self._tx.execute(query)}
        return [found.get(month.first, 0) for month in months]

    async def by(self, question: Question, *dimensions: str) -> dict[tuple[str | None, ...], int]:
        """The numerator for each combination of values that occurs, in one query."""
        keys = [value_of(name).label(f"key_{number}") for number, name in enumerate(dimensions)]
        query: Select[Any] = select(*keys, count(question.indicator.unit))
        query = query.select_from(rows_of(selection_of(question.indicator, "numerator")))
        if "destination" in dimensions:
            query = with_each_destination(query)
        query = query.where(where(question, "numerator")).group_by(*(literal_column(key.name) for key in keys))
        return {tuple(row[:-1]): row[-1] for row in await self._tx.execute(query)}

    async def behind(self, question: Question, part: Part, offset: int = 0, limit: int | None = None) -> Behind:
        """The rows that `part` of the figure counts, oldest first; a thing with several segments shows its last one."""
        selection = selection_of(question.indicator, part)
        key = unit_key(question.indicator.unit)
        columns: list[Any] = [*SEGMENTS.c]
        if question.indicator.unit is Unit.REFERRAL:
            columns += [REFERRALS.c.referral, REFERRALS.c.referred_on, REFERRALS.c.answered_on, REFERRALS.c.answer]
        newest = func.row_number().over(partition_by=key, order_by=(SEGMENTS.c.segment.desc(), SEGMENTS.c.case_id))
        matching = (
            select(*columns, newest.label("nth"), func.count().over(partition_by=key).label("segments"))
            .select_from(rows_of(selection))
            .where(where(question, part), _counts(question.indicator.unit))
            .subquery()
        )
        query = select(matching).where(matching.c.nth == 1)
        query = query.order_by(matching.c.opened_on, matching.c.opened_position).offset(offset).limit(limit)
        rows = (await self._tx.execute(query)).all()
        return Behind(await self.count(question, part), rows)

    async def segment(self, case: str, number: int) -> Row[Any] | None:
        query = select(SEGMENTS).where(SEGMENTS.c.case_id == case, SEGMENTS.c.segment == number)
        return (await self._tx.execute(query)).one_or_none()

    async def segments_of(self, case: str) -> list[int]:
        query = select(SEGMENTS.c.segment).where(SEGMENTS.c.case_id == case).order_by(SEGMENTS.c.segment)
        return list((await self._tx.execute(query)).scalars())

    async def events(self, case: str, number: int) -> Sequence[Row[Any]]:
        """What was recorded about one segment, in order; that the whole case was voided belongs to each of them."""
        reader = reader_name(self._generation)
        found: Sequence[Row[Any]] = (await self._tx.execute(events_of(reader, SOURCE, case, number))).all()
        return found

    async def is_held(self, gemeente: str, case: str) -> bool:
        """Whether events of the case are held: they are neither shown nor counted."""
        return await is_held(self._tx, self._generation, str(LedgerId(SOURCE, gemeente)), case)

    async def is_synthetic(self, gemeente: str, programme: str) -> bool:
        """Whether any partner that contributed to the programme exists in a demonstration only."""
        if (known := self._synthetic.get((gemeente, programme))) is None:
            about = (SEGMENTS.c.gemeente == gemeente) & (SEGMENTS.c.programme == programme) & SEGMENTS.c.synthetic
            row = await self._tx.execute(select(SEGMENTS.c.case_id).where(about).limit(1))
            known = self._synthetic[gemeente, programme] = row.first() is not None
        return known

    async def count(self, question: Question, part: Part) -> int:
        """How many things of the indicator's unit `part` of the answer holds."""
        indicator: Indicator = question.indicator
        query = select(count(indicator.unit)).select_from(rows_of(selection_of(indicator, part)))
        return int((await self._tx.execute(query.where(where(question, part)))).scalar_one())


def _counts(unit: Unit) -> ColumnElement[bool]:
    """A case without a youth is no youth."""
    return SEGMENTS.c.youth.is_not(None) if unit is Unit.YOUTH else true()
