"""A rebuild in a process of its own that is killed, as by `kill -9`, when it has come to a position.

It says first which processes it has started: none, or one per ledger where it is told to.
"""

import asyncio
import os
import signal
import sys

import psutil

from eventlog.engine import make_engine
from eventlog.ledger import LedgerId
from services.reporting import spreading
from services.reporting.rebuild import rebuild
from tests.reporting.made import PROGRAMMES


async def main(database_url: str, position: int, checkpoint: int) -> None:
    def progress(ledger: LedgerId, done: int, to_do: int) -> None:
        if done >= position:
            print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)  # noqa: T201
            os.kill(os.getpid(), signal.SIGKILL)

    await rebuild(make_engine(database_url, "reporting"), PROGRAMMES, progress, checkpoint)


if __name__ == "__main__":
    spreading.WORTH_A_PROCESS = int(sys.argv[4])
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
