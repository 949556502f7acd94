"""The door of the command line, with nothing behind it until it is opened.

A process that a rebuild starts imports what its parent was started with: all commands, for one that folds a ledger.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    _open_standard_files()
    try:
        from services.cli import main as command_line

        command_line()
    except KeyboardInterrupt:  # While it was still being read: what runs ends by itself.
        sys.exit(130)


def _open_standard_files() -> None:
    """Where whoever starts us closed them, the event loop would get their numbers, and end the process."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - as long as the process


if __name__ == "__main__":
    main()
