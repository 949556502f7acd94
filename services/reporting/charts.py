"""The charts: a Vega-Lite specification each, drawn as SVG without a browser; the table beside it has every number."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import vl_convert

FLOWS = ("#14566e", "#b45f06")
NOW_AND_BEFORE = ("#14566e", "#7b8c95")
"""Each at least 3 : 1 on white; the legend and the order of the bars say the same as the colour."""

_LABELS = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_INK, _LINES = "#24323a", "#d5dde1"
_FONT = "Segoe UI, Helvetica, Arial, sans-serif"

_CONFIG: Mapping[str, Any] = {
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": _LINES,
        "domainColor": _LINES,
        "tickColor": _LINES,
    },
    "axisBand": {"grid": False, "ticks": False},
    "legend": {"labelColor": _INK, "labelFontSize": 12},
}

Series = Mapping[str, Sequence[float]]
"""The values of each series, in the order of the categories."""


async def columns(categories: Sequence[str], series: Series, what: str) -> str:
    """Standing bars side by side, such as two flows a month."""
    return await asyncio.to_thread(_draw, json.dumps(_columns(categories, series, what)))


async def bars(categories: Sequence[str], series: Series, what: str) -> str:
    """Lying bars, for categories with long names."""
    return await asyncio.to_thread(_draw, json.dumps(_bars(categories, series, what)))


def _columns(categories: Sequence[str], series: Series, what: str) -> dict[str, Any]:
    return _spec(
        categories,
        series,
        FLOWS,
        width=600,
        height=260,
        encoding={
            "x": {"field": "category", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": 0}},
            "xOffset": {"field": "series", "sort": list(series)},
            "y": {"field": "value", "type": "quantitative", "title": what, "axis": {"tickMinStep": 1}},
        },
    )


def _bars(categories: Sequence[str], series: Series, what: str) -> dict[str, Any]:
    step = 15 if len(series) > 1 else 20
    return _spec(
        categories,
        series,
        NOW_AND_BEFORE,
        width=190,
        height={"step": step, "for": "offset"},
        encoding={
            "y": {
                "field": "category",
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {"labelLimit": 225, "labelPadding": 6},
                "scale": {"paddingInner": 0.35},
            },
            "yOffset": {"field": "series", "sort": list(series)},
            "x": {"field": "value", "type": "quantitative", "title": what, "axis": {"tickCount": 5, "tickMinStep": 1}},
        },
    )


def _spec(
    categories: Sequence[str],
    series: Series,
    colours: Sequence[str],
    width: int,
    height: int | dict[str, Any],
    encoding: dict[str, Any],
) -> dict[str, Any]:
    rows = [
        {"category": category, "series": name, "value": value}
        for name, values in series.items()
        for category, value in zip(categories, values, strict=True)
    ]
    legend = {"title": None, "orient": "top", "symbolType": "square"} if len(series) > 1 else None
    colour = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": list(series), "range": list(colours[: len(series)])},
        "legend": legend,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "background": "transparent",
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {**encoding, "color": colour},
        "config": _CONFIG,
    }


@lru_cache(maxsize=256)
def _draw(spec: str) -> str:
    """The bars lose the English labels they come with: the page names the chart, and the table is its text."""
    return _LABELS.sub("", vl_convert.vegalite_to_svg(spec, format_locale="nl-NL"))
