"""The topics: which are made where there are none, and how long each keeps what is in it."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

PARTITIONS = 4
# Never compacted: a record without data would be a tombstone. A cluster's own topics are made beforehand, replicated.
_KEPT = {"cleanup.policy": "delete", "retention.ms": "-1"}
# What partners send holds personal data in the clear, which no erased key reaches: it stays a week, for our failures.
_DAY = 24 * 60 * 60 * 1000
_PASSING = {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY), "segment.ms": str(_DAY)}


async def make_topics(bootstrap: str, kept: Iterable[str], passing: Iterable[str]) -> None:
    """Make sure the topics exist, those that keep everything and those of what partners send."""
    topics = [NewTopic(name, PARTITIONS, 1, topic_configs=_KEPT) for name in kept]
    # One partition: what a partner sends stays in its order, whatever key it gives or forgets.
    topics += [NewTopic(name, 1, 1, topic_configs=_PASSING) for name in passing]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        response = await admin.create_topics(topics)
        for name, code, *_ in response.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(f"topic {name} could not be made")
    finally:
        await admin.close()
