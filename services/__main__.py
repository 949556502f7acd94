"""The door of the command line, with nothing behind it until it is opened.

A process that a rebuild starts imports what its parent was started with: all commands, for one that folds a ledger.
"""


def main() -> None:
    from services.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
