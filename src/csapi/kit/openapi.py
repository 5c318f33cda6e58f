"""The OpenAPI 3.1.0 document, made from the same operations as the routes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from csapi.kit.openapi_parts import (
    BUDGET_HEADERS,
    DEFAULT,
    ERRORS,
    HEADERS,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LANGUAGE,
    SECURITY_SCHEMES,
)
from csapi.kit.openapi_schemas import Schema, Schemas, reachable
from csapi.kit.openapi_webhooks import Message, webhooks_of
from csapi.kit.operations import Media, Operation, check_operations
from csapi.kit.problem_types import PROBLEMS
from csapi.kit.problems import MEDIA_TYPE, ProblemBody


def _ref(section: str, name: str) -> Schema:
    return {"$ref": f"#/components/{section}/{name}"}


def _headers(names: Iterable[str]) -> Schema:
    return {name: _ref("headers", name) for name in ("X-Request-Id", *names)}


def _problem_response(description: str, headers: tuple[str, ...]) -> Schema:
    return {
        "description": description,
        "headers": _headers(headers),
        "content": {MEDIA_TYPE: {"schema": _ref("schemas", "Problem")}},
    }


def _error_statuses(operation: Operation) -> list[int]:
    statuses = {PROBLEMS[code].status for code in operation.problems}
    if operation.request is not None or operation.params is not None:
        statuses |= {400, 422}
    if operation.request is not None:
        statuses |= {408, 413, 415}
    if operation.scope is not None:
        statuses |= {401, 403, 429, 503}
    if operation.repeats == "keyed":
        statuses |= {400, 409, 422}
    if operation.path_params is not None:
        statuses.add(404)
    if operation.charged == "write" and not (operation.while_closing or operation.person):
        statuses.add(PROBLEMS["tenant_closing"].status)
    return sorted(statuses - {500})


def _media(declared: Any) -> Media:
    return declared if isinstance(declared, Media) else Media(body=declared)


def _further_headers(operation: Operation) -> tuple[str, ...]:
    """Those that the machinery around the handler adds."""
    names: tuple[str, ...] = () if operation.charged is None else BUDGET_HEADERS
    if operation.repeats == "keyed" and not operation.secret:
        names += ("Idempotency-Replayed",)
    return names if operation.retirement is None else (*names, "Deprecation", "Sunset")


def _success(operation: Operation, declared: Any, schemas: Schemas) -> Schema:
    media = _media(declared)
    response: Schema = {
        "description": media.description,
        "headers": _headers((*media.headers, *_further_headers(operation))),
    }
    if media.body is not None:
        content: Schema = {"schema": _body_schema(media, schemas)}
        if media.example is not None:
            content["example"] = media.example
        texts = {
            name: {"schema": {"type": "string", "description": text}}
            for name, text in media.texts.items()
        }
        files = {
            name: {"schema": {"type": "string", "format": "binary", "description": text}}
            for name, text in media.files.items()
        }
        response["content"] = {media.media_type: content, **texts, **files}
    return response


def _body_schema(media: Media, schemas: Schemas) -> Schema:
    if media.body is bytes:
        return {"type": "string", "format": "binary"}
    if media.body is str:
        return {"type": "string"}
    return schemas.of(media.body)


def _request_body(operation: Operation, schemas: Schemas) -> Schema:
    schema = schemas.of(operation.request)
    examples = {name: {"value": value} for name, value in operation.request_examples.items()}
    if not operation.ndjson:
        content: Schema = {"schema": schema}
        if examples:
            content["examples"] = examples
        return {"required": True, "content": {"application/json": content}}
    batch: Schema = {"schema": {"type": "array", "items": schema, "minItems": 1, "maxItems": 1000}}
    if examples:
        batch["examples"] = examples
    lines = {"schema": {"type": "string", "description": "One item as a JSON object per line."}}
    return {"required": True, "content": {"application/json": batch, "application/x-ndjson": lines}}


def _parameters(operation: Operation, schemas: Schemas) -> list[Schema]:
    parameters = []
    if operation.path_params is not None:
        parameters += schemas.parameters(operation.path_params, "path")
    if operation.params is not None:
        parameters += schemas.parameters(operation.params, "query")
    if any("Content-Language" in _media(each).headers for each in operation.responses.values()):
        parameters.append(LANGUAGE)
    if 304 in operation.responses:
        parameters.append(IF_NONE_MATCH)
    if "precondition_failed" in operation.problems:
        parameters.append(IF_MATCH)
    if operation.repeats == "keyed":
        parameters.append(IDEMPOTENCY_KEY)
    return parameters


def _operation(operation: Operation, schemas: Schemas) -> Schema:
    entry: Schema = {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
    }
    if operation.retirement is not None:
        entry["deprecated"] = True
    parameters = _parameters(operation, schemas)
    if parameters:
        entry["parameters"] = parameters
    if operation.request is not None:
        entry["requestBody"] = _request_body(operation, schemas)
    responses = {
        str(status): _success(operation, declared, schemas)
        for status, declared in sorted(operation.responses.items())
    }
    for status in _error_statuses(operation):
        responses[str(status)] = _ref("responses", ERRORS[status][0])
    entry["responses"] = responses | {"default": _ref("responses", DEFAULT)}
    if operation.scope is None:
        return entry | {"security": []}
    entry["description"] += _who_may_call(operation)
    names = ("accessToken",) if operation.person else tuple(SECURITY_SCHEMES)
    entry["security"] = [{name: []} for name in names]
    if operation.ticketed:
        entry["security"].append({})
    return entry | {"x-scope": str(operation.scope)}


def _who_may_call(operation: Operation) -> str:
    text = f"\n\nNeeds the scope `{operation.scope}`."
    if operation.portal:
        return text + " A portal token may call it, too."
    if operation.unfiltered:
        return text + " A portal token without filters may call it, too."
    if operation.agent:
        return (
            text + " Only a portal token that is bound to an agent, or a person with the role "
            "agent, may call it."
        )
    if operation.person:
        return "\n\nOnly somebody who has signed in may call it, whatever their role."
    return text


def _schemas(operations: Sequence[Operation], messages: Sequence[Message]) -> Schemas:
    bodies = [_media(d).body for operation in operations for d in operation.responses.values()]
    return Schemas(
        requests=[o.request for o in operations if o.request is not None],
        responses=[ProblemBody, *(body for body in bodies if body not in (None, bytes, str))]
        + [each.data for each in messages],
        params=[p for o in operations for p in (o.params, o.path_params) if p is not None],
    )


def build_document(
    operations: Sequence[Operation],
    *,
    title: str,
    version: str,
    description: str,
    tags: Mapping[str, str],
    messages: Sequence[Message] = (),
) -> dict[str, Any]:
    """The document. `tags` gives the order and description of the groups of operations; `messages`
    are what the server sends by itself."""
    check_operations(operations)
    schemas = _schemas(operations, messages)
    paths: Schema = {}
    for operation in operations:
        if operation.tag not in tags:
            raise ValueError(f"{operation.operation_id}: the tag {operation.tag} is not declared")
        entry = _operation(operation, schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    webhooks = webhooks_of(messages, schemas)
    used = reachable([paths, webhooks, _ref("schemas", "Problem")], schemas.components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": description,
            "contact": {"name": "The csapi maintainers"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "paths": paths,
        **({"webhooks": webhooks} if webhooks else {}),
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "headers": HEADERS,
            "responses": {
                **{name: _problem_response(text, more) for name, text, more in ERRORS.values()},
                DEFAULT: _problem_response("Any other error.", ()),
            },
            "schemas": {name: schemas.components[name] for name in sorted(used)},
        },
    }


def document_text(document: Mapping[str, Any]) -> str:
    """The document as it is committed: indented, in a stable order, ending with a line break."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def validate_document(document: Mapping[str, Any]) -> None:
    """Raise if the document is not valid OpenAPI or breaks a house rule."""
    import openapi_spec_validator  # noqa: PLC0415 - it takes a quarter of a second to import

    from csapi.kit.openapi_rules import violations  # noqa: PLC0415

    openapi_spec_validator.validate(dict(document))
    if found := violations(document):
        raise ValueError("\n".join(found))
