"""Load comes with everything an installation needs to take it in, and never holds more than the cases that run."""

import json
import tracemalloc
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.programme import Programmes
from services.cli import demonstration
from services.demonstration.load import load, write_load
from services.demonstration.workdays import working_days
from services.intake.cloudevent import CloudEvent
from services.intake.gate import Accepted, judge
from services.intake.partners import Partners
from tests.demonstration.counting import count


def test_every_gemeente_has_its_programme_its_partners_and_its_cases(tmp_path: Path) -> None:
    lines = write_load(tmp_path, gemeenten=3, cases=30, seed=1)

    events = [json.loads(line) for line in (tmp_path / "submissions.jsonl").read_text().splitlines()]
    programmes, partners = Programmes.load(tmp_path / "programmes"), Partners.load(tmp_path / "partners")
    assert len(events) == lines
    assert {one.gemeente for one in programmes} == partners.gemeenten() == {"GM9001", "GM9002", "GM9003"}
    assert set(Counter(one.said["programme"] for one in count(events)).values()) == {30}
    assert all("ynthetisch" in one.title for one in (*programmes, *partners))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("load {} --gemeenten 0", 2, "--gemeenten"),
        ("load {} --gemeenten 1000", 2, "--gemeenten"),
        ("load {} --cases 0", 2, "--cases"),
        ("load {}/a-file/of --cases 1", 1, "a-file/of/programmes cannot be read or written: Not a directory"),
        ("history {}/no/folder", 1, "no/folder cannot be read or written: No such file or directory"),
        ("load {} --gemeenten 1 --cases 1", 0, ""),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path: Path, words: str, code: int, said: str) -> None:
    (tmp_path / "a-file").touch()
    went = CliRunner().invoke(demonstration, words.format(tmp_path).split())
    assert (went.exit_code, said in went.stderr) == (code, True), went.stderr


def test_the_gate_accepts_the_load(tmp_path: Path) -> None:
    write_load(tmp_path, gemeenten=2, cases=30, seed=1)

    programmes = Programmes.load(tmp_path / "programmes")
    senders = {source: one for one in Partners.load(tmp_path / "partners") for source in one.sources}
    for line in (tmp_path / "submissions.jsonl").read_text().splitlines():
        event = json.loads(line)
        data = json.dumps(event.pop("data")).encode()
        verdict = judge(senders[event["source"]], CloudEvent(event, data), date(2024, 1, 2), programmes)
        assert isinstance(verdict, Accepted), verdict


def test_a_wave_comes_by_day_over_all_gemeenten() -> None:
    times = [event["time"] for event in load(gemeenten=3, cases=50, seed=1, at_once=150)]

    assert times == sorted(times)


def test_every_case_is_told_in_order_and_under_one_reference() -> None:
    told: dict[tuple[str, str], list[str]] = {}
    for event in load(gemeenten=2, cases=40, seed=1, at_once=20):
        told.setdefault((event["data"]["programme"], event["data"]["case"]), []).append(event["time"])

    assert len(told) == 80
    assert all(times == sorted(times) for times in told.values())


def test_memory_does_not_grow_with_the_number_of_cases() -> None:
    one_wave, four_waves = (_peak_bytes(cases) for cases in (100, 400))

    assert four_waves < 1.3 * one_wave


@pytest.mark.parametrize("gemeenten", [0, 1000])
def test_there_are_codes_for_999_gemeenten(gemeenten: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 999"):
        next(load(gemeenten, cases=1))


def _peak_bytes(cases: int) -> int:
    working_days(date(2021, 1, 1), date(2021, 1, 1))  # what is kept for good is there before the measuring starts
    tracemalloc.start()
    try:
        sent = sum(1 for _ in load(gemeenten=1, cases=cases, seed=1, at_once=100))
        assert sent > 5 * cases
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
