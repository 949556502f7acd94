"""An alarm that stays silent is worse than none: each alert reads metrics that a process really shows."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.runtime.gauges import Gauges
from services.runtime.metrics import Metrics
from tests.operations.test_page import BAD

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]


def shown() -> dict[str, set[str]]:
    """The labels of every metric, by the name its samples have."""
    metrics = Metrics()
    gauges = Gauges()
    gauges.standing = BAD
    metrics.registry.register(gauges)
    metrics.requested("GET", "/", 500, 0.1)
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples} | {"up": set()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_reads_what_is_shown(rule: dict[str, Any]) -> None:
    metrics = shown()
    read = re.findall(r"\bspoorboek_\w+|\bup\b", rule["expr"])
    assert read
    assert set(read) <= set(metrics)
    labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) - {"instance"}
    assert labels <= set.union(*(metrics[name] for name in read))
