"""What an operator does meanwhile: rebuilds of the facts, some of them killed, and ways back."""

from collections import Counter

from tests.faults.commands import Commands, outcome

_REPAIRED = "were not what the ledger says"
_SHOWN = 3000


class Replays:
    """`spoorboek replay`: counts in `ended` how they do, adds to `wrong` what none of them may say."""

    def __init__(self, commands: Commands, ended: Counter[str], wrong: list[str]) -> None:
        self._commands, self._ended, self._wrong = commands, ended, wrong

    async def run(self, *options: str, seconds: float) -> None:
        """Killed where it has not ended after `seconds`."""
        said, code = await self._commands.run("reporting", "replay", *options, seconds=seconds)
        self._ended[" ".join(("replay", *options, outcome(code)))] += 1
        if _REPAIRED in said or (code > 0 and "Traceback" in said):
            self._wrong.append(f"replay {' '.join(options)}, exit {code}: {said[:_SHOWN]}")

    async def run_at_rest(self) -> None:
        """The last one, which nothing disturbs: it ends, and every row is as it was."""
        said, code = await self._commands.run("reporting", "replay")
        if code or "Every row is as it was." not in said:
            self._wrong.append(f"replay at rest, exit {code}: {said[:_SHOWN]}")
