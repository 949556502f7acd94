"""`make run` as a process of this machine, with a folder and a port of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil

ROOT = Path(__file__).parents[2]
SPOORBOEK = ROOT / ".venv" / "bin" / "spoorboek"
FIRST_RUN_SECONDS, NEXT_RUN_SECONDS = 180, 30
UP = "Ctrl-C stops it"


class Run:
    """One `make run`, as the README says it; ends with the signal that a person or a machine's end would send."""

    def __init__(self, data: Path, port: int, patience_seconds: float) -> None:
        self.log = data.parent / f"run-{monotonic()}.log"
        self.environment = os.environ | {"DATA": str(data), "PORT": str(port)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["make", "run"], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.seconds = self._wait(patience_seconds)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def _wait(self, patience_seconds: float) -> float:
        began = monotonic()
        while UP not in self.output and self.process.poll() is None:
            assert monotonic() < began + patience_seconds, self.output
            sleep(0.1)
        return monotonic() - began

    def end(self, how: signal.Signals) -> int:
        """What `make` says at the end. Ctrl-C reaches everything that runs in the terminal; a kill hits us alone."""
        if how == signal.SIGINT:
            os.killpg(self.process.pid, how)
        else:
            self._ourselves().send_signal(how)
        return self.process.wait(timeout=30)

    def _ourselves(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if "spoorboek" in " ".join(child.cmdline()[:2]))


@contextmanager
def nothing_left(data: Path) -> Iterator[None]:
    try:
        yield
    finally:
        for process in postgres_of(data):
            process.kill()


def postgres_of(data: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if str(data / "postgres") in (one.info["cmdline"] or ())]
