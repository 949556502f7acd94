"""Every setting that the services read is in the table of settings, and none that they do not."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTING = re.compile(r"\b(?:SPOORBOEK|OTEL_EXPORTER)_[A-Z_]+\b")


def test_the_table_has_the_settings_there_are() -> None:
    read = {name for path in (ROOT / "services").rglob("*.py") for name in SETTING.findall(path.read_text())}
    told = set(SETTING.findall((ROOT / "deploy" / "README.md").read_text()))
    assert told == read - {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}, "the same for traces alone, OpenTelemetry's own"
