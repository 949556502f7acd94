"""The gate over HTTP, for partners' systems: send events, and ask what became of them."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, assert_never

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from services.intake import answer, bindings, body
from services.intake.addresses import PageAddresses
from services.intake.answer import BatchAnswer, SubmissionAnswer
from services.intake.bindings import NotACloudEvent
from services.intake.cloudevent import CloudEvent
from services.intake.fate import Fate
from services.intake.gate import Unattributable
from services.intake.openapi import GET_RESPONSES, POST
from services.intake.pace import with_turns
from services.intake.partner import Partner
from services.intake.partners import Partners, Unauthenticated
from services.intake.recording import Contested
from services.intake.submissions import Outcome, Submissions
from services.problem import Problem

_MOST_BYTES = {bindings.BATCHED: bindings.MOST_BATCH_BYTES}
# A database that says nothing is away. What it takes all the same is found when the same is sent again.
_LONGEST_SECONDS = 15
_SUBMISSION = re.compile(r"[0-9a-f]{32}")


def make_router(submissions: Submissions, partners: Partners) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["submissions"])
    caller = _Caller(submissions, partners)

    async def send_events(request: Request) -> Response:
        """Send one CloudEvent (structured or binary) or a batch of at most 1000.

        The answer comes when the outcome is durable. Sending the same again has no effect and gives the same outcome.
        A batch is answered by 200 with a result for each event, in order; the results may differ.
        """
        partner = await caller(request)
        content_type = bindings.media_type(request.headers.get("content-type"))
        content = await body.read(request, _MOST_BYTES.get(content_type, bindings.MOST_EVENT_BYTES))
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                if content_type == bindings.BATCHED:
                    return await _batch_response(submissions, partner, bindings.batch(content))
                return await _single_response(submissions, partner, request, content_type, content)
        except NotACloudEvent as error:
            return _response(submissions.not_a_cloudevent(error), submissions.pages)

    async def read_submission(submission: str, partner: Annotated[Partner, Depends(caller)]) -> Response:
        """What became of one of your own submissions: accepted, then applied or refused; or rejected."""
        fate = await _find(submissions, partner, submission)
        if fate is None or fate.partner != partner.id:
            raise Problem(404, "Unknown submission", "No submission of yours has this id. The answer to a send has it.")
        return _json(200, answer.of_fate(fate, submissions.pages))

    router.add_api_route(
        "/events",
        send_events,
        methods=["POST"],
        route_class_override=_Direct,
        dependencies=[Depends(caller)],
        **POST,
    )
    router.add_api_route(
        "/submissions/{submission}", read_submission, methods=["GET"], response_model=None, responses=GET_RESPONSES
    )
    return router


class _Direct(APIRoute):
    """The endpoint gets the request itself; its dependencies are there for the document.

    FastAPI would take as long to find out what a function wants as the gate takes to judge a submission.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


class _Caller(HTTPBearer):
    """The partner that asks, from its bearer key; anyone else is answered 401."""

    def __init__(self, submissions: Submissions, partners: Partners) -> None:
        super().__init__(
            scheme_name="HTTPBearer", description="The key that came with the partner's registration.", auto_error=False
        )
        self._submissions, self._partners = submissions, partners

    async def __call__(self, request: Request) -> Partner:  # type: ignore[override]
        credentials = await super().__call__(request)
        try:
            return self._partners.authenticate(
                credentials.credentials if credentials else "", self._submissions.today()
            )
        except Unauthenticated as error:
            challenge = {"WWW-Authenticate": 'Bearer realm="spoorboek"'}
            raise Problem(401, "Not authenticated", str(error), headers=challenge) from error


async def _find(submissions: Submissions, partner: Partner, submission: str) -> Fate | None:
    async with asyncio.timeout(_LONGEST_SECONDS):
        return await submissions.find(partner.gemeente, submission) if _SUBMISSION.fullmatch(submission) else None


async def _batch_response(
    submissions: Submissions, partner: Partner, batch: Iterable[CloudEvent | NotACloudEvent]
) -> Response:
    events = [one async for one in with_turns(batch)]
    taken = iter(await submissions.submit_many([(partner, event) for event in events if isinstance(event, CloudEvent)]))
    outcomes = [submissions.not_a_cloudevent(one) if isinstance(one, NotACloudEvent) else next(taken) for one in events]
    return _json(200, BatchAnswer(results=tuple(answer.of_outcome(one, submissions.pages) for one in outcomes)))


async def _single_response(
    submissions: Submissions, partner: Partner, request: Request, content_type: str, content: bytes
) -> Response:
    if content_type == bindings.STRUCTURED:
        event = bindings.structured(content)
    else:
        event = bindings.http_binary(request.headers.raw, content)
    return _response(await submissions.submit(partner, event), submissions.pages)


def _response(outcome: Outcome, pages: PageAddresses) -> Response:
    said = answer.of_outcome(outcome, pages)
    match outcome:
        case Fate(status="rejected"):
            return _problem(400, "Rejected", said)
        case Fate():
            return _json(202, said)
        case Contested():
            return _problem(409, "Contested", said)
        case Unattributable():
            return _problem(400, "Not a submission", said)
        case _:
            assert_never(outcome)


def _json(status: int, said: SubmissionAnswer | BatchAnswer) -> Response:
    return JSONResponse(said.model_dump(mode="json", exclude_defaults=True), status, _location(said))


def _problem(status: int, title: str, said: SubmissionAnswer) -> Response:
    """RFC 9457, with the submission and its links as extensions where the outcome is kept."""
    content: dict[str, Any] = {"status": status, "title": title, "detail": said.sentence}
    if said.errors:
        content["errors"] = [error.model_dump(mode="json", exclude_none=True) for error in said.errors]
    if said.links is not None:
        content |= {"submission": said.submission, "links": said.links.model_dump(mode="json")}
    return JSONResponse(content, status, _location(said), "application/problem+json")


def _location(said: SubmissionAnswer | BatchAnswer) -> dict[str, str]:
    return {"Location": said.links.self} if isinstance(said, SubmissionAnswer) and said.links else {}
