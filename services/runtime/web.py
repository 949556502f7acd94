"""The HTTP side of a process: the rules every answer follows (NL GOV API Design Rules), whichever service gives it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.openapi import document
from services.problem import Problem
from services.runtime import away
from services.runtime.metrics import route_of

API_VERSION = "1.0.0"
CONTACT = {"name": "Spoorboek", "url": "https://spoorboek.invalid", "email": "beheer@spoorboek.invalid"}
HEADERS = {
    "API-Version": API_VERSION,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger()


def make_app(title: str, routers: Sequence[APIRouter], turned_away: Callable[[], None] = lambda: None) -> FastAPI:
    """An application with `routers` and nothing else; `turned_away` is called when somebody is told to come back."""
    app = FastAPI(
        title=title,
        version=API_VERSION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        contact=CONTACT,
        redirect_slashes=False,
    )
    for router in routers:
        app.include_router(router)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.add_middleware(_WithHeaders)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for unavailable in away.ERRORS:
        app.add_exception_handler(unavailable, partial(_database, turned_away))
    app.add_exception_handler(Exception, _failure)
    return app


def problem_response(problem: Problem) -> JSONResponse:
    body: dict[str, Any] = {"status": problem.status, "title": problem.title, "detail": problem.detail}
    if problem.errors:
        body["errors"] = [dict(error) for error in problem.errors]
    return JSONResponse(body, problem.status, HEADERS | problem.headers, "application/problem+json")


class _WithHeaders:
    """Middleware that gives each answer the HEADERS it does not have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"] == "/v1/openapi.json":
                    headers["Access-Control-Allow-Origin"] = "*"
            await send(message)

        await self._app(scope, receive, sending)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _invalid(request: Request, error: Exception) -> Response:
    """Says which parameter does not fit and how, never what was sent; 400, not FastAPI's 422."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"code": "field-invalid", "field": ".".join(map(str, item["loc"])), "sentence": item["msg"]}
        for item in error.errors()
    ]
    return problem_response(Problem(400, "Invalid request", "Correct the fields listed in errors.", errors))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = Problem(error.status_code, error.detail, "See /v1/openapi.json for what can be asked here.")
    problem.headers = dict(error.headers or {})
    return problem_response(problem)


async def _database(turned_away: Callable[[], None], request: Request, error: Exception) -> Response:
    if not away.database_is_away(error):
        return await _failure(request, error)
    turned_away()
    log.warning("database away", route=route_of(request.scope), error=away.kind_of(error))
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    detail = "Nothing was lost. Send the same request again after the seconds in Retry-After."
    return problem_response(Problem(503, "Temporarily unavailable", detail, headers=headers))


async def _failure(request: Request, error: Exception) -> Response:
    log.error("request failed", route=route_of(request.scope), error=type(error).__name__, exc_info=error)
    detail = "This is our fault. The operator finds it in the log; sending the same request again does no harm."
    return problem_response(Problem(500, "Internal error", detail))
