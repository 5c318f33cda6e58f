"""What browsers ask before scripts of another origin may read an answer.

A preflight comes without credentials: nobody knows whose page asks. Its answer is the same for
every origin, and so tells nothing of any tenant. What counts is the answer itself: scripts may read
it only where its tenant has listed their origin, or where it says no more than that the credentials
are not valid. Credentials are never cookies: a page can send only what it was given.
"""

from typing import Any

from csapi.kit.body import header_of

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, traceparent, tracestate, "
    "X-Request-Id"
)
EXPOSED = (
    b"Content-Disposition, Deprecation, ETag, Idempotency-Replayed, Link, Location, RateLimit, "
    b"RateLimit-Policy, Retry-After, Sunset, X-Next-Cursor, X-Request-Id"
)

PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": REQUEST_HEADERS,
    "Access-Control-Max-Age": "600",
}
_ALLOWED = "allowed_origin"


def origin_of(scope: Any) -> str | None:
    return header_of(scope, b"origin")


def is_preflight(scope: Any) -> bool:
    return (
        scope["method"] == "OPTIONS"
        and origin_of(scope) is not None
        and header_of(scope, b"access-control-request-method") is not None
    )


def allow_origin(scope: Any, origin: str) -> None:
    """Note that scripts of this origin may read the answer to this request."""
    scope["state"][_ALLOWED] = origin


def cors_headers(scope: Any, status: int) -> list[tuple[bytes, bytes]]:
    """What the answer to a request says to browsers; nothing to anybody else."""
    if origin_of(scope) is None or scope["method"] == "OPTIONS":
        return []
    allowed = scope["state"].get(_ALLOWED)
    if allowed is None and status != 401:
        return [(b"vary", b"Origin")]
    return [
        (b"vary", b"Origin"),
        (b"access-control-allow-origin", b"*" if allowed is None else allowed.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED),
    ]
