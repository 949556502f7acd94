"""What a partner writes about a person is nowhere in the clear: not in the ledger, not in a log, not in an answer."""

import json
import logging

import pytest
from structlog.testing import capture_logs

from tests.intake.desk import NOW, Desk, enquiry, structured
from tests.intake.test_http import batch

SAID = enquiry(youthName="Noor Ongewoon", parentName="Sam Ongewoon", email="sam@ongewoon.example", note="heel Ongewoon")
SECRETS = ["Ongewoon", "ongewoon.example", SAID["phone"], SAID["case"], SAID["family"], SAID["youth"]]


async def test_personal_data_is_nowhere_in_the_clear(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "services")
    desk = Desk()
    broken = SAID | {"ageYears": "Ongewoon", "Ongewoon": "Ongewoon", "occurredOn": "Ongewoon"}
    with capture_logs() as logs:
        async with desk.client() as client:
            answers = await client.post(
                "/v1/events",
                **batch(structured(SAID), structured(broken, id="2"), structured(SAID | {"ageYears": 3})),
            )
            page = await client.get(answers.json()["results"][1]["links"]["page"])
    assert [answer["status"] for answer in answers.json()["results"]] == ["accepted", "rejected", "contested"]
    kept = b"".join(event.leaf() for event in await desk.events()).decode()
    printed = capsys.readouterr()
    seen = kept + json.dumps(logs, default=str) + caplog.text + printed.out + printed.err + page.text + answers.text
    for secret in SECRETS:
        assert secret not in seen
    assert any(entry["event"] == "submission recorded" for entry in logs)
    assert str(NOW.year) in kept
