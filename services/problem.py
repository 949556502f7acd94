"""A problem that a caller of the HTTP API can act on (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """Becomes `application/problem+json`. `title` names the kind, `detail` says what to do; neither repeats input."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
