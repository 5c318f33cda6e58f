"""Errors as RFC 9457 problems: what services raise. problem_answers.py makes the answers."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.problem_types import PROBLEMS

MEDIA_TYPE = "application/problem+json"
SHOWN_MAX = 64


def _told(description: str) -> Meta:
    return Meta(description=description)


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one place of the input."""

    pointer: Annotated[str, _told("JSON pointer (RFC 6901) into the body, or /name of a parameter")]
    code: Annotated[str, _told("Stable word for programs; GET /errors explains it")]
    message: Annotated[str, _told("What is wrong, for people")]
    allowed: Annotated[list[str] | None, _told("The values that are possible, if they are few")] = (
        None
    )


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error answer."""

    type: Annotated[str, _told("Where the code is explained")]
    title: Annotated[str, _told("The code in words")]
    status: Annotated[int, _told("The HTTP status")]
    code: Annotated[str, _told("Stable word for programs; new ones may be added")]
    detail: Annotated[str, _told("What went wrong this time, for people")]
    instance: Annotated[str, _told("The path of the request")]
    request_id: Annotated[str, _told("The request in our logs; also in the header X-Request-Id")]
    errors: Annotated[list[FieldError], _told("The places of the input that are wrong")]


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An answer other than success. `code` is a key of PROBLEMS, which gives status and title."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.kind = PROBLEMS[code]
        self.headers = dict(headers or {})
        if self.kind.status == 401:
            self.headers.setdefault("WWW-Authenticate", "Bearer")
        if self.kind.retry_after is not None:
            self.headers.setdefault("Retry-After", str(self.kind.retry_after))

    @property
    def status(self) -> int:
        return self.kind.status


def invalid(*errors: FieldError) -> Problem:
    """The problem for a set of field errors: the first one gives the code and the detail."""
    first = errors[0]
    place = f"{first.pointer}: " if first.pointer else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(first.code, f"{place}{first.message}{more}", errors=errors)


def shown(text: str) -> str:
    """`text` as it may appear in an answer: nothing longer than 64 characters is echoed."""
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}\N{HORIZONTAL ELLIPSIS}"


def pointer(*parts: str | int) -> str:
    return "".join("/" + shown(str(part)).replace("~", "~0").replace("/", "~1") for part in parts)
