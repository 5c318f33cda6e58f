"""What the OpenAPI document says in one place and names in many: headers, errors, credentials."""

from csapi.kit.openapi_schemas import Schema

HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Names this request in our logs. Yours is kept if you send one.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Policy": {
        "description": "The budgets that the request took from: `q` units in `w` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left: `r` units of each budget, which is full again in `t` "
        "seconds.",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true`: the request was carried out before, and this is its answer.",
        "schema": {"type": "string"},
    },
    "Deprecation": {
        "description": "Since when the operation should not be used any more (RFC 9745).",
        "schema": {"type": "string"},
    },
    "Sunset": {
        "description": "Until when the operation answers (RFC 8594).",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate: Bearer.",
        "schema": {"type": "string"},
    },
    "X-Next-Cursor": {
        "description": "Where the next page starts, beside bodies that have no place for it.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where to read what was made.",
        "schema": {"type": "string"},
    },
    "Content-Language": {
        "description": "The language of the labels: en, ar or zh-Hans, by Accept-Language.",
        "schema": {"type": "string"},
    },
    "Content-Disposition": {
        "description": "The name of the file.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Send it back as If-None-Match to learn whether anything has changed.",
        "schema": {"type": "string"},
    },
}

BUDGET_HEADERS = ("RateLimit-Policy", "RateLimit")
# status -> component name, description, headers beyond X-Request-Id
ERRORS: dict[int, tuple[str, str, tuple[str, ...]]] = {
    400: ("BadRequest", "The request cannot be read.", ()),
    401: ("Unauthorized", "The key is missing or not valid.", ("WWW-Authenticate",)),
    403: ("Forbidden", "The key lacks the scope.", ()),
    404: ("NotFound", "There is no such resource for this key.", ()),
    406: ("NotAcceptable", "None of the accepted media types is offered.", ()),
    408: ("RequestTimeout", "The body did not arrive in time.", ()),
    409: ("Conflict", "The state of the resource does not allow this.", ()),
    412: ("PreconditionFailed", "The resource has changed since it was read.", ()),
    413: ("ContentTooLarge", "The body or the batch is too large.", ()),
    415: ("UnsupportedMediaType", "The media type or encoding is not supported.", ()),
    422: ("UnprocessableContent", "The request is readable but not valid.", ()),
    429: ("TooManyRequests", "Too many requests.", ("Retry-After", *BUDGET_HEADERS)),
    503: ("ServiceUnavailable", "Not now; nothing was stored.", ("Retry-After",)),
}
DEFAULT = "UnexpectedError"

SECURITY_SCHEMES = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer csk_live_...`; where the operation says "
        "so, also a portal token, `csp_live_...`",
    },
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Somebody who has signed in: the access token of `POST /v1/auth/sign-in`. "
        "Their role decides which scopes they hold.",
    },
    "apiKeyAuth": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, for clients that cannot set Authorization.",
    },
}


LANGUAGE: Schema = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "The language of labels: en, ar or zh (zh-Hans); the tenant's without it.",
    "schema": {"type": "string"},
}

IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what you have read: if that has changed since, 412 and no change.",
    "schema": {"type": "string"},
}

IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the answer that you have: if it still holds, 304 without a body.",
    "schema": {"type": "string"},
}


IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A word of your own for this request, such as a UUID. Sent again with it within "
    "24 hours, the request is not repeated: its answer is. The same key with another request is "
    "refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
