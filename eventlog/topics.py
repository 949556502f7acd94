"""The topics: which are made where there are none, how long they keep what is in them, and what no partner chooses."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NotControllerError, TopicAlreadyExistsError, for_code

from eventlog.errors import describe

PARTITIONS = 4
# The broker unpacks what comes compressed and holds it to its limit: no codec that we cannot read, and no megabyte that
# becomes gigabytes here.
_UNPACKED = {"compression.type": "uncompressed"}
# Never compacted: a record without data would be a tombstone. A cluster's own topics are made beforehand, replicated.
_KEPT = {"cleanup.policy": "delete", "retention.ms": "-1"}
# What partners send holds personal data in the clear, which no erased key reaches: it stays a week, for our failures.
_DAY = 24 * 60 * 60 * 1000
_PASSING = {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY), "segment.ms": str(_DAY)}
# The week begins when a record comes, whatever its sender's clock says.
_FROM_STRANGERS = _UNPACKED | {"message.timestamp.type": "LogAppendTime"}
_SET_ON_THE_TOPIC = 1
_LOOK_SECONDS = 5.0
_AT_ONCE = 100
"""A broker refuses to make some thousands with one request."""
LEARNED_MS = 10_000
"""So long, at most, a client goes by where the topics were: it asks anew for those that are made again."""

log = structlog.get_logger()


class Topics:
    """Those that one process reads or writes, there as long as it runs: `kept` for good, `passing` what partners send.

    A broker whose disk was emptied comes back without them. The ledgers have all that was in ours; until they are made
    again nobody could publish, and partners could not send.
    """

    def __init__(self, bootstrap: str, kept: Collection[str], passing: Collection[str]) -> None:
        self._kept, self._passing = kept, passing
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when they are there; raises KafkaError where they cannot be made."""
        try:
            await self._admin.start()
            await self._make()
        except BaseException:
            await self._admin.close()
            raise
        self._task = asyncio.create_task(self._keep(), name="topics")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._admin.close()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if gone := {*self._kept, *self._passing} - set(await self._admin.list_topics()):
                    log.error("topics are gone from the broker, making them again", topics=sorted(gone))
                    await self._make()
            except Exception as error:  # noqa: BLE001 - the next look tries again; what waits for them shows
                log.warning("could not look after the topics", error=describe(error))

    async def _make(self) -> None:
        topics = [NewTopic(name, PARTITIONS, 1, topic_configs=_KEPT | _UNPACKED) for name in self._kept]
        # One partition: what a partner sends stays in its order, whatever key it gives or forgets.
        topics += [NewTopic(name, 1, 1, topic_configs=_PASSING | _FROM_STRANGERS) for name in self._passing]
        made: dict[str, int] = {}
        for first in range(0, len(topics), _AT_ONCE):
            made |= await self._create(topics[first : first + _AT_ONCE])
        for name, code in made.items():
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(f"topic {name} could not be made")
        had = {name for name, code in made.items() if code == TopicAlreadyExistsError.errno}
        await _guard(self._admin, had.intersection(self._passing), _FROM_STRANGERS)
        try:
            await _guard(self._admin, had.intersection(self._kept), _UNPACKED)
        except KafkaError as error:
            # What comes packed is passed, and read from the ledger: late, but nobody has to let us do this.
            log.warning("could not have our own topics unpacked", error=describe(error), settings=_UNPACKED)

    async def _create(self, topics: list[NewTopic]) -> dict[str, int]:
        """name -> error code"""
        try:
            response = await self._admin.create_topics(topics)
        except AttributeError as error:
            # The library asks the controller where it knows of none: for a while after the brokers were away.
            raise NotControllerError("no broker is known that makes topics") from error
        return {name: code for name, code, *_ in response.topic_errors}


async def _guard(admin: AIOKafkaAdminClient, names: Iterable[str], settings: dict[str, str]) -> None:
    """Give topics that were there `settings`, which keep others' choices out; what else is set on them stays."""
    altered = []
    asked = [_settings_of(name) for name in names]
    for response in await admin.describe_configs(asked) if asked else ():
        for code, _, _, name, entries in response.resources:
            _succeed(code, f"the settings of topic {name} could not be read: allow this service to describe them")
            own = {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_THE_TOPIC}
            if not settings.items() <= own.items():
                # An alteration says all that is set: what it leaves out would return to the broker's default.
                altered.append(_settings_of(name, own | settings))
    for response in await admin.alter_configs(altered) if altered else ():
        for code, _, _, name in response.resources:
            _succeed(code, f"set {settings} on topic {name}, or allow this service to alter its settings")


def _settings_of(topic: str, settings: dict[str, Any] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)


def _succeed(code: int, else_say: str) -> None:
    if code:
        raise for_code(code)(else_say)
