"""What we send, as the `webhooks` of the document: the same for each type but its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from csapi.kit.openapi_schemas import Schema, Schemas


@dataclass(frozen=True, slots=True)
class Message:
    """A type of message. data: the struct that it carries."""

    type: str
    data: Any
    tag: str


HEADERS = {
    "webhook-id": "Names the event: the same at each attempt and in each replay.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `{webhook-id}."
    "{webhook-timestamp}.{body}`; two with a space between them while a secret is replaced.",
}
# The Python templates of openapi-generator know no types in webhooks and would write a package that
# cannot be imported; this extension tells them.
_PYTHON_TEXT = {"x-py-typing": "StrictStr"}
_PYTHON_OBJECT = {"x-py-typing": "Dict[StrictStr, Any]"}


def _words(type_: str) -> str:
    return type_.replace(".", " ").replace("_", " ")


def _camel(type_: str) -> str:
    first, *others = _words(type_).split()
    return "send" + first.capitalize() + "".join(each.capitalize() for each in others)


def _message(message: Message, schemas: Schemas) -> Schema:
    body = {
        "type": "object",
        "properties": {
            "type": {"const": message.type, "type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": schemas.of(message.data),
        },
        "required": ["type", "timestamp", "data"],
    }
    parameters = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string"},
            **_PYTHON_TEXT,
        }
        for name, text in HEADERS.items()
    ]
    content = {"application/json": {"schema": body}}
    description = " ".join((message.data.__doc__ or "").split())
    return {
        "post": {
            "operationId": _camel(message.type),
            "tags": [message.tag],
            "summary": _words(message.type).capitalize(),
            "description": description,
            "security": [],
            "parameters": parameters,
            "requestBody": {"required": True, "content": content, **_PYTHON_OBJECT},
            "responses": {
                "2XX": {"description": "Taken. Any other answer, or none, is tried again."},
                "410": {"description": "The endpoint is gone: it is disabled."},
            },
        }
    }


def webhooks_of(messages: Sequence[Message], schemas: Schemas) -> Schema:
    return {each.type: _message(each, schemas) for each in messages}
