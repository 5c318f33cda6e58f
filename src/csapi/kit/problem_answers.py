"""Any exception as a problem, and a problem as bytes."""

import logging
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
from litestar.exceptions import HTTPException
from msgspec.structs import replace

from csapi.kit.db import PoolExhausted
from csapi.kit.gate import overloaded
from csapi.kit.language import asked_language
from csapi.kit.problem_words import said
from csapi.kit.problems import Problem, ProblemBody, shown

log = logging.getLogger("csapi.errors")


def _instance(scope: Any) -> str:
    return quote("/".join(shown(part) for part in scope["path"].split("/")), safe="/:@!$&'()*+,;=~")


def told(problem: Problem, scope: Any) -> ProblemBody:
    """The problem as it goes out, in an answer of its own or within one."""
    language = asked_language(scope)
    return ProblemBody(
        type=f"/errors/{problem.code}",
        title=problem.kind.title,
        status=problem.status,
        code=problem.code,
        detail=said(language, problem.code, problem.detail),
        instance=_instance(scope),
        request_id=scope.get("state", {}).get("request_id", ""),
        errors=[
            replace(each, message=said(language, each.code, each.message))
            for each in problem.errors
        ],
    )


def problem_body(problem: Problem, scope: Any) -> bytes:
    return msgspec.json.encode(told(problem, scope))


_BY_STATUS = {
    401: ("unauthorized", "The credentials are missing or not valid."),
    403: ("insufficient_scope", "The key may not do this."),
    404: ("not_found", "Not found."),
    405: ("method_not_allowed", "The path does not have this method."),
    406: ("not_acceptable", "None of the accepted media types is offered."),
    408: ("request_timeout", "The request did not arrive in time."),
    413: ("body_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The media type is not supported."),
    429: ("rate_limited", "Too many requests."),
    503: ("not_ready", "The service is not ready."),
}

# SQLSTATE, whole or by class, that says nothing about the request: the same request may work later.
_BY_SQLSTATE = {
    "08": "database_unavailable",
    "57P": "database_unavailable",
    "25006": "database_unavailable",
    "53": "database_unavailable",
    "53100": "storage_full",
    "57014": "query_timeout",
    "25P03": "query_timeout",
    "25P04": "query_timeout",
    "40": "busy",
    "55P03": "busy",
}
_RETRYABLE_DETAIL = {
    "database_unavailable": "The database cannot be reached. Whether anything was stored is not "
    "known: send it again, with the same Idempotency-Key where there is one.",
    "storage_full": "The database has no space left. Nothing was stored.",
    "query_timeout": "The database did not finish in time. Nothing was stored.",
    "busy": "The transaction lost against another one. Nothing was stored.",
}


def _database_code(exc: BaseException) -> str | None:
    """The code for a failure of the database or of the way to it, None for anything else."""
    state = getattr(exc, "sqlstate", None)
    if isinstance(state, str):
        for length in (5, 3, 2):
            if (code := _BY_SQLSTATE.get(state[:length])) is not None:
                return code
        return None
    if isinstance(exc, TimeoutError):
        return "database_unavailable"
    # "connection is closed", "pool is closing"; other interface errors are mistakes in our code.
    if isinstance(exc, asyncpg.InterfaceError) and "clos" in str(exc):
        return "database_unavailable"
    # A socket gives an OSError without a file name, open() one with it: only the first is the way.
    if isinstance(exc, OSError) and exc.filename is None:
        return "database_unavailable"
    return _database_code(exc.__cause__) if exc.__cause__ is not None else None


def to_problem(exc: Exception) -> Problem:
    """Any exception as the problem to answer with. Unknown ones tell the client nothing."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, HTTPException) and exc.status_code != 500:
        code, detail = _BY_STATUS.get(
            exc.status_code, ("bad_request", "The request cannot be understood.")
        )
        if exc.status_code < 500 or exc.status_code in _BY_STATUS:
            return Problem(code, detail, headers=exc.headers)
    if isinstance(exc, PoolExhausted):
        return overloaded("All connections to the database are at work. Nothing was stored.")
    if (code_ := _database_code(exc)) is not None:
        return Problem(code_, _RETRYABLE_DETAIL[code_])
    return Problem("internal_error", "Something went wrong on our side.")


def log_problem(problem: Problem, exc: Exception, scope: Any) -> None:
    if problem.status < 500 or isinstance(exc, Problem):
        return
    fields = {"request_id": scope.get("state", {}).get("request_id", "")}
    if problem.code == "internal_error":
        log.error("unhandled exception", exc_info=exc, extra={"fields": fields})
    else:
        fields["error"] = type(exc).__qualname__
        log.warning(problem.code, extra={"fields": fields})
