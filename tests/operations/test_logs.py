"""What libraries say stands in our log too, and drowns nothing in it."""

import logging

from services.runtime.logs import _OnceAMinute


def said(name: str, seconds: float, broker: int) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, "", 0, "Unable to connect to node %s", (broker,), None)
    record.created = seconds
    return record


def test_the_kafka_client_says_a_thing_once_a_minute_and_how_often_it_did_not() -> None:
    once = _OnceAMinute()
    lines = [said("aiokafka.client", second / 10, second) for second in range(1300)]
    told = [line.getMessage() for line in lines if once.filter(line)]
    assert told == [
        "Unable to connect to node 0",
        "Unable to connect to node 600 (and 599 times more since it was said last)",
        "Unable to connect to node 1200 (and 599 times more since it was said last)",
    ]
    assert once.filter(said("aiokafka.cluster", 0.1, 1)), "another speaks"


def test_what_others_say_is_said() -> None:
    once = _OnceAMinute()
    assert all(once.filter(said("uvicorn.error", 0.1 * number, number)) for number in range(10))
