"""The folder the parts of one run live in, and the removal of what a crashed run left running."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil


def run_folder() -> Path:
    """This run's folder, named for the process that owns it; folders whose owner is gone are removed first."""
    shelf = Path(tempfile.gettempdir()) / f"spoorboek-tests-{os.getuid()}"
    shelf.mkdir(exist_ok=True)
    for left in shelf.iterdir():
        if not _owner_lives(left):
            remove(left)
    own = shelf / _owner(psutil.Process())
    own.mkdir(parents=True, exist_ok=True)
    return own


def remove(folder: Path) -> None:
    """Kill every process started on `folder` and delete it."""
    for process in psutil.process_iter():
        try:
            if any(str(folder) + os.sep in part for part in process.cmdline()):
                process.kill()
                process.wait(10)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()  # the last part of a run takes the run's folder along


def _owner(process: psutil.Process) -> str:
    # A process number is used again some day; with the second it began it is not.
    return f"{process.pid}-{int(process.create_time())}"


def _owner_lives(folder: Path) -> bool:
    try:
        return _owner(psutil.Process(int(folder.name.split("-")[0]))) == folder.name
    except (psutil.NoSuchProcess, ValueError):
        return False
