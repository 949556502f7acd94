"""The page that a run leaves: a table per question, the ratios against their aims, and with what it was measured."""

from collections.abc import Mapping, Sequence
from datetime import date

from bench.measured import Measured, Ratio, Section

_HEAD = """\
<!-- Written by `make bench`; change bench/, not this page. -->
# Performance

What one run of `make bench` measured, on one machine and side by side: figures of another machine differ, ratios less.
Each row is the median of its repeats, where it has some, with the lowest and the highest. Nothing here is asserted by a
test: an aim that is missed stands in the table like the others.

![Events per second of each measurement, beside those of its peer and its limit](performance.svg)
"""


def page(sections: Sequence[Section], machine: str, settings: Mapping[str, str], load: tuple[float, float]) -> str:
    parts = [_HEAD, _circumstances(machine, settings, load), _ratios(sections)]
    return "\n".join([*parts, *map(_section, sections)])


def _circumstances(machine: str, settings: Mapping[str, str], load: tuple[float, float]) -> str:
    said = ", ".join(f"`{name} = {value}`" for name, value in settings.items())
    return (
        f"Measured on {date.today().isoformat()} on a machine with {machine}. "  # noqa: DTZ011 - the day where it ran
        f"PostgreSQL is durable: {said}. Only who can repeat its work (relays, reporting) does not wait for the disk. "
        "Client, server and broker share the cores. Load average at the start "
        f"{load[0]:.1f}, at the end {load[1]:.1f}.\n"
    )


def _ratios(sections: Sequence[Section]) -> str:
    lines = ["| compared | with | reached | aim |", "| --- | --- | ---: | ---: |"]
    for section in sections:
        lines += [_ratio(one) for one in section.ratios]
    return "\n".join(lines) + "\n"


def _ratio(ratio: Ratio) -> str:
    aim = "" if ratio.aim is None else f"≥ {_as_ratio(ratio.aim, ratio.share)}"
    return f"| {ratio.of.what} | {ratio.to.what} | {_as_ratio(ratio.value, ratio.share)} | {aim} |"


def _as_ratio(value: float, share: bool) -> str:
    return f"{value:.0%}" if share else f"{value:.1f} ×"


def _section(section: Section) -> str:
    lines = [f"## {section.title}", "", section.how, "", "| what | median | lowest | highest | unit |"]
    lines += ["| --- | ---: | ---: | ---: | --- |", *map(_row, section.rows)]
    lines += [f"\n{note}" for note in section.notes]
    return "\n".join(lines) + "\n"


def _row(row: Measured) -> str:
    low, middle, high = (_number(value) for value in (min(row.values), row.median, max(row.values)))
    return f"| {row.what} | {middle} | {low} | {high} | {row.unit} |"


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.1f}"
