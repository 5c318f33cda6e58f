"""Every error code that the API can answer with: status, title and what to do about it.

`code` is the contract; `/errors/{code}` explains it. A code stands for a whole request or, inside a
batch answer, for one item: then the status does not apply.
"""

from typing import NamedTuple


class ProblemType(NamedTuple):
    status: int
    title: str
    description: str
    retry_after: int | None = None


def _type(status: int, title: str, description: str, retry_after: int | None = None) -> ProblemType:
    return ProblemType(status, title, description, retry_after)


_UNREADABLE = {
    "bad_request": _type(400, "Bad request", "The request line or a header cannot be understood."),
    "empty_body": _type(400, "Empty body", "This operation needs a JSON body."),
    "malformed_json": _type(
        400,
        "Malformed JSON",
        "The body is not JSON. The detail names the byte where reading ended.",
    ),
    "malformed_gzip": _type(
        400, "Malformed gzip", "The body is labelled gzip but is not one complete gzip member."
    ),
    "invalid_utf8": _type(
        400, "Invalid UTF-8", "Text must be valid UTF-8, without lone surrogates."
    ),
    "too_deep": _type(400, "Nested too deeply", "Arrays and objects may be nested 32 levels deep."),
    "invalid_cursor": _type(
        400, "Invalid cursor", "Use the cursor of the last page unchanged, with the same filters."
    ),
    "invalid_idempotency_key": _type(
        400, "Invalid Idempotency-Key", "Idempotency-Key is 1 to 255 visible ASCII characters."
    ),
}

_REFUSED = {
    "unauthorized": _type(
        401,
        "Unauthorized",
        "Send a valid API key, or the access token of whoever has signed in: Authorization: Bearer "
        "csk_live_...",
    ),
    "sign_in_failed": _type(
        401,
        "Sign-in failed",
        "The e-mail address or the password is wrong, the identity provider does not vouch for the "
        "person, or they are no member.",
    ),
    "session_ended": _type(401, "Session ended", "The refresh token is not valid: sign in again."),
    "insufficient_scope": _type(
        403, "Insufficient scope", "The key is valid but lacks the scope that this operation needs."
    ),
    "address_not_allowed": _type(
        403, "Address not allowed", "The key is valid, but may not be used from where you are."
    ),
    "not_an_agent": _type(
        403,
        "Not an agent",
        "What is asked for is an agent's own: send a portal token that is bound to one.",
    ),
    "not_a_person": _type(
        403,
        "Not a person",
        "What is asked for is about whoever has signed in: send their access token.",
    ),
    "not_found": _type(404, "Not found", "There is no such resource here for this key."),
    "method_not_allowed": _type(
        405, "Method not allowed", "The header Allow lists the methods of this path."
    ),
    "not_acceptable": _type(406, "Not acceptable", "None of the accepted media types is offered."),
    "request_timeout": _type(
        408, "Request timeout", "The body did not arrive within 10 seconds. Send it again."
    ),
    "conflict": _type(409, "Conflict", "The state of the resource does not allow this."),
    "tenant_closing": _type(
        409,
        "The tenant is closing",
        "Its owner, or the operator, has asked for it to be closed. Until then everything can be "
        "read and exported, and nothing written. The owner can withdraw it: "
        "DELETE /v1/tenant/closing.",
    ),
    "request_in_progress": _type(
        409,
        "Request in progress",
        "A request with the same Idempotency-Key is still under way. Send it again in a moment.",
        retry_after=1,
    ),
    "answer_not_kept": _type(
        409,
        "Answer not kept",
        "A request with the same Idempotency-Key was carried out and is not repeated. Its answer "
        "showed a secret, was too large to keep, or was lost with the process that made it. "
        "Look at what is there; for another secret send another key.",
    ),
    "token_used": _type(
        409,
        "Token used",
        "The invitation, password reset or sign-in is unknown, used or over. Ask for another.",
    ),
    "snapshot_moved": _type(
        409,
        "Snapshot moved",
        "What the last page was cut from has changed since. Start again without a cursor.",
    ),
    "precondition_failed": _type(
        412, "Precondition failed", "The resource has changed since it was read."
    ),
    "body_too_large": _type(413, "Body too large", "Send fewer items per request."),
    "too_many_items": _type(413, "Too many items", "A batch has 1 to 1,000 items."),
    "unsupported_media_type": _type(
        415, "Unsupported media type", "Send a Content-Type that this operation lists, in UTF-8."
    ),
    "unsupported_content_encoding": _type(
        415, "Unsupported content encoding", "Bodies are sent as they are or with gzip."
    ),
    "idempotency_key_reused": _type(
        422, "Idempotency-Key reused", "This key was used before with another request."
    ),
    "rate_limited": _type(
        429, "Too many requests", "Wait as long as Retry-After says.", retry_after=1
    ),
    "quota_exceeded": _type(
        429,
        "Quota exceeded",
        "Nothing of the request was stored. Send it again when the period is over, as Retry-After "
        "says, or ask for a larger quota.",
        retry_after=3600,
    ),
    "too_many_attempts": _type(
        429,
        "Too many attempts",
        "Passwords were tried too often. Wait as long as Retry-After says.",
        retry_after=1,
    ),
    "too_many_queries": _type(
        429,
        "Too many queries at once",
        "GET /v1/limits says how many may run at once. Wait as long as Retry-After says.",
        retry_after=2,
    ),
    "too_many_exports": _type(
        429,
        "Too many exports",
        "GET /v1/limits says how many are kept. Wait for one to end, or delete one.",
        retry_after=30,
    ),
    "too_many_streams": _type(
        429,
        "Too many streams",
        "GET /v1/limits says how many may be open. Close one, or wait as long as Retry-After says.",
        retry_after=5,
    ),
}

_INVALID = {
    "required": _type(422, "Missing field", "A required field is missing."),
    "unknown_field": _type(422, "Unknown field", "The field is not part of this object."),
    "wrong_type": _type(
        422, "Wrong type", "The JSON type does not fit. Numbers are never read from strings."
    ),
    "out_of_range": _type(422, "Out of range", "The number or instant is outside its range."),
    "too_long": _type(422, "Too long", "The text or list has too many members."),
    "too_short": _type(422, "Too short", "The text or list has too few members."),
    "invalid_value": _type(422, "Invalid value", "The value is not one that this field takes."),
    "timezone_required": _type(
        422, "Time zone required", "Instants are RFC 3339 with an offset: 2026-01-05T10:00:00Z."
    ),
    "unknown_timezone": _type(422, "Unknown time zone", "Time zones are IANA names: Asia/Riyadh."),
    "nul_character": _type(422, "NUL character", "Text must not contain the character U+0000."),
    "empty_batch": _type(422, "Empty batch", "A batch has 1 to 1,000 items."),
    "unknown_parameter": _type(
        422, "Unknown parameter", "The query string has a parameter that this operation lacks."
    ),
    "duplicate_parameter": _type(
        422, "Duplicate parameter", "The query string repeats a parameter that takes one value."
    ),
    "unknown_metric": _type(422, "Unknown metric", "GET /v1/metrics lists the metrics."),
    "dimension_not_allowed": _type(
        422, "Dimension not allowed", "The metric cannot be grouped or filtered by it."
    ),
    "unknown_dimension": _type(422, "Unknown dimension", "GET /v1/dimensions lists them."),
    "not_supported": _type(
        422, "Not supported", "Each part is valid, but they cannot be combined like this."
    ),
    "definition_changes": _type(
        422,
        "Definition changes",
        "The tenant's setting of the metric changes within the range, and its numbers before and "
        "after do not add up. Ask for each side on its own, or name the parameters.",
    ),
    "unknown_attribute": _type(
        422, "Unknown custom attribute", "Custom attributes are declared per tenant before use."
    ),
    "currency_mismatch": _type(
        422, "Another currency", "All entries of a cost book are in one currency."
    ),
    "unknown_customer": _type(
        422, "Unknown customer", "There is no such customer, and none of that name was erased."
    ),
    "erased": _type(
        422,
        "Erased",
        "What was erased is not taken in again. Leave it out; nothing else of the batch suffers.",
    ),
    "beyond_retention": _type(
        422, "Beyond retention", "Records that the question needs were removed by retention."
    ),
    "event_too_old": _type(422, "Event too old", "The instant is before the retention horizon."),
    "range_too_long": _type(422, "Range too long", "Ask for a shorter range or a coarser grain."),
}

_FAILED = {
    "internal_error": _type(
        500, "Internal error", "A defect on our side. Quote the request id when you report it."
    ),
    "database_unavailable": _type(
        503, "Database unavailable", "Nothing was stored. Try again.", retry_after=2
    ),
    "query_timeout": _type(
        503, "Query timeout", "The database stopped the query. Ask for less.", retry_after=5
    ),
    "definition_changing": _type(
        503,
        "Definition changing",
        "The facts of the metric are being derived by a changed definition. Try again later.",
        retry_after=60,
    ),
    "busy": _type(503, "Busy", "Another transaction was in the way. Try again.", retry_after=1),
    "storage_full": _type(
        503, "Storage full", "Nothing was stored: the disk is full.", retry_after=60
    ),
    "overloaded": _type(503, "Overloaded", "Too much work at once. Try again.", retry_after=2),
    "provider_unavailable": _type(
        503,
        "Identity provider unavailable",
        "The identity provider does not answer as it should. Try again.",
        retry_after=10,
    ),
    "not_ready": _type(503, "Not ready", "The service is starting or stopping.", retry_after=2),
}

PROBLEMS: dict[str, ProblemType] = {**_UNREADABLE, **_REFUSED, **_INVALID, **_FAILED}
