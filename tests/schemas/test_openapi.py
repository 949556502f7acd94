"""The HTTP interfaces: OpenAPI 3.1 by a validator that is not ours, and the NL GOV rules that a document can show."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from openapi_spec_validator import OpenAPIV31SpecValidator

from schemas.event import Record
from services import contracts
from services.openapi import document, problems
from services.runtime.web import make_app

SCHEMAS = Path(__file__).parents[2] / "schemas"
Spoil = Callable[[dict[str, Any]], object]


class Figure(Record):
    families_helped: int


def an_app_document() -> dict[str, Any]:
    router = APIRouter(prefix="/v1")

    @router.get("/yearly-figures/{year}")
    async def read_figure(year: int) -> Figure:
        return Figure(families_helped=year)

    return document(make_app("Spoorboek", [router]))


def test_a_document_is_valid_and_keeps_the_rules() -> None:
    made = an_app_document()

    OpenAPIV31SpecValidator(made).validate()
    assert problems(made) == []


def test_invalid_input_is_answered_by_400_and_every_answer_tells_the_version() -> None:
    responses = an_app_document()["paths"]["/v1/yearly-figures/{year}"]["get"]["responses"]

    assert list(responses) == ["200", "400"]
    assert all("API-Version" in response["headers"] for response in responses.values())


def operation(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["paths"]["/v1/yearly-figures/{year}"]["get"]
    return found


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda made: made["info"]["contact"].pop("email"), "info.contact has no email"),
        (lambda made: made["info"].update(version="1.0"), "not a semantic version"),
        (lambda made: made["paths"].update({"/v1/yearlyFigures": {}}), "kebab-case"),
        (lambda made: made["paths"].update({"/v1/figures/": {}}), "end without a slash"),
        (lambda made: made["paths"].update({"/figures": {}}), "begin with the major version"),
        (lambda made: operation(made)["responses"].update({"422": {}}), "answered by 400, not 422"),
        (lambda made: operation(made)["responses"]["200"].pop("headers"), "200 has no API-Version header"),
        (lambda made: operation(made)["responses"]["400"].pop("content"), "400 is not application/problem+json"),
        (lambda made: operation(made)["parameters"][0].update(name="the_year"), "parameter the_year"),
        (lambda made: made["components"]["schemas"]["Figure"]["properties"].update(a_b={}), "property a_b"),
    ],
)
def test_each_departure_from_the_rules_is_seen(spoil: Spoil, problem: str) -> None:
    made = an_app_document()
    spoil(made)

    assert problem in "\n".join(problems(made))


def test_an_operation_id_used_twice_is_seen() -> None:
    made = an_app_document()
    made["paths"]["/v1/others/{year}"] = deepcopy(made["paths"]["/v1/yearly-figures/{year}"])

    assert problems(made) == ["GET /v1/others/{year}: operationId readFigure is used twice"]


def test_the_published_documents_are_in_step_and_keep_the_rules() -> None:
    assert contracts.check(SCHEMAS) == []


def test_a_document_out_of_step_is_seen(tmp_path: Path) -> None:
    written = contracts.write(tmp_path)
    (tmp_path / written[0]).write_text("{}")
    (tmp_path / "openapi" / "imagined.json").write_text("{}")

    assert contracts.check(tmp_path) == [
        f"{written[0]}: out of step; run `spoorboek schemas write`",
        "openapi/imagined.json: no service has this name; remove the file",
    ]
