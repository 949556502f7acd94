"""The picture of a run: every rate on one scale of tens, each question a group, ours and what it is held against."""

import json
from collections.abc import Sequence

import vl_convert

from bench.measured import Measured, Section

_OURS, _HELD_AGAINST = "#14566e", "#b45f06"


def picture(sections: Sequence[Section]) -> str:
    """SVG. Durations are left to the table: they are not on the scale of rates."""
    values: list[dict[str, object]] = [
        {
            "question": section.title,
            "what": row.what,
            "rate": row.median,
            "low": min(row.values),
            "high": max(row.values),
            "whose": "ours" if _is_ours(row, section) else "peer or limit",
        }
        for section in sections
        for row in section.rows
        if row.unit == "events/s"
    ]
    drawn: str = vl_convert.vegalite_to_svg(json.dumps(_specification(values)))
    return drawn


def _is_ours(row: Measured, section: Section) -> bool:
    """What something is held against is another's, unless it is itself held against something."""
    return any(ratio.of is row for ratio in section.ratios) or all(ratio.to is not row for ratio in section.ratios)


def _specification(values: list[dict[str, object]]) -> dict[str, object]:
    y = {"field": "what", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 480}}
    x_axis = {"values": [10**power for power in range(2, 7)], "format": ","}
    scale = {"type": "log", "domainMin": 100}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": "Events per second, median and range of the repeats (logarithmic)",
        "data": {"values": values},
        "config": {"font": "Segoe UI, Helvetica, Arial, sans-serif", "view": {"stroke": None}},
        "width": 420,
        "padding": {"left": 90, "right": 30, "top": 5, "bottom": 5},  # A reader's fonts may be wider than ours.
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 90},
                "encoding": {
                    "y": y,
                    "x": {"field": "rate", "type": "quantitative", "scale": scale, "title": None, "axis": x_axis},
                    "color": {
                        "field": "whose",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": ["ours", "peer or limit"], "range": [_OURS, _HELD_AGAINST]},
                    },
                    "shape": {
                        "field": "whose",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": ["ours", "peer or limit"], "range": ["circle", "square"]},
                    },
                },
            },
            {
                "mark": {"type": "rule"},
                "encoding": {
                    "y": y,
                    "x": {"field": "low", "type": "quantitative", "scale": scale},
                    "x2": {"field": "high"},
                },
            },
        ],
    }
