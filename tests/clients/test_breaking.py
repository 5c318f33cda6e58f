"""The committed document keeps the promises of the last release; and the check finds what does not.

openapi/baseline.json is the document of the last release. `make baseline` renews it, with one.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.clients.breaking import breaking
from tests.clients.tools import DOCUMENT

Edit = Callable[[dict[str, Any]], Any]
BASELINE = DOCUMENT.with_name("baseline.json")
OLD: dict[str, Any] = {
    "paths": {
        "/v1/calls": {
            "post": {
                "operationId": "ingestCall",
                "x-scope": "records:write",
                "parameters": [
                    {
                        "in": "query",
                        "name": "mode",
                        "required": False,
                        "schema": {"$ref": "#/components/schemas/Mode"},
                    }
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Call"}}
                    }
                },
                "responses": {
                    "201": {
                        "headers": {"Location": {}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Record"}},
                            "text/csv": {"schema": {"type": "string"}},
                        },
                    }
                },
            }
        }
    },
    "webhooks": {
        "call.made": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Record"}}
                    }
                }
            }
        }
    },
    "components": {
        "schemas": {
            "Mode": {"type": "string", "enum": ["fast", "safe"]},
            "Call": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 9},
                    "wait": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
                    "next": {"$ref": "#/components/schemas/Call"},
                },
            },
            "Record": {
                "type": "object",
                "required": ["id", "n"],
                "properties": {
                    "id": {"type": "string"},
                    "n": {"type": "integer"},
                    "mode": {"$ref": "#/components/schemas/Mode"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                },
            },
            "Part": {"type": "object", "properties": {"text": {"type": "string"}}},
        }
    },
}


def schema(document: dict[str, Any], name: str) -> Any:
    return document["components"]["schemas"][name]


def post(document: dict[str, Any]) -> Any:
    return document["paths"]["/v1/calls"]["post"]


def changed(edit: Edit) -> list[str]:
    new = copy.deepcopy(OLD)
    edit(new)
    return breaking(OLD, new)


BREAKING: dict[str, tuple[Edit, str]] = {
    "an operation": (lambda d: d["paths"]["/v1/calls"].pop("post"), "is gone"),
    "a path": (lambda d: d["paths"].clear(), "POST /v1/calls: is gone"),
    "an operation's name": (lambda d: post(d).update(operationId="x"), "ingestCall became x"),
    "a scope": (lambda d: post(d).update({"x-scope": "x"}), "scope records:write became x"),
    "a parameter": (lambda d: post(d)["parameters"].clear(), "?mode: is gone"),
    "a parameter's need": (
        lambda d: post(d)["parameters"][0].update(required=True), "?mode: is required now",
    ),
    "a request's value": (lambda d: schema(d, "Mode")["enum"].remove("safe"), "['safe']"),
    "a request's field": (lambda d: schema(d, "Call")["properties"].pop("wait"), ".wait: is gone"),
    "a request's need": (lambda d: schema(d, "Call")["required"].append("wait"), "required now"),
    "a request's new need": (
        lambda d: (
            schema(d, "Call")["required"].append("zone"),
            schema(d, "Call")["properties"].update(zone={"type": "string"}),
        ),
        ".zone: is required now",
    ),
    "a request's length": (
        lambda d: schema(d, "Call")["properties"]["name"].update(maxLength=8), "maxLength 9",
    ),
    "a request's bound": (
        lambda d: schema(d, "Call")["properties"]["wait"]["anyOf"][0].update(minimum=1), "minimum",
    ),
    "a request's pattern": (
        lambda d: schema(d, "Call")["properties"]["name"].update(pattern="x"), "pattern",
    ),
    "a request's null": (
        lambda d: schema(d, "Call")["properties"]["wait"]["anyOf"].pop(), "null is no longer taken",
    ),
    "a request's freedom": (
        lambda d: schema(d, "Call").update(additionalProperties=False), "no longer taken",
    ),
    "a request's type": (
        lambda d: schema(d, "Call")["properties"]["name"].update(type="integer"),
        "string became integer",
    ),
    "an answer's field": (lambda d: schema(d, "Record")["properties"].pop("n"), ".n: is gone"),
    "an answer's name of a field": (
        lambda d: schema(d, "Record")["properties"].update(
            count=schema(d, "Record")["properties"].pop("n")
        ),
        ".n: is gone",
    ),
    "an answer's promise": (lambda d: schema(d, "Record")["required"].pop(), "may be absent now"),
    "an answer's type": (
        lambda d: schema(d, "Record")["properties"]["n"].update(type="string"), "became string",
    ),
    "an answer's null": (
        lambda d: schema(d, "Record")["properties"].update(
            n={"anyOf": [{"type": "integer"}, {"type": "null"}]}
        ),
        "null may come now",
    ),
    "an answer's field far down": (
        lambda d: schema(d, "Part")["properties"].clear(), ".parts[].text: is gone",
    ),
    "an answer's status": (
        lambda d: post(d)["responses"].update({"200": post(d)["responses"].pop("201")}),
        "201 is gone",
    ),
    "an answer's media type": (
        lambda d: post(d)["responses"]["201"]["content"].pop("text/csv"), "text/csv is gone",
    ),
    "an answer's header": (
        lambda d: post(d)["responses"]["201"]["headers"].clear(), "header Location is gone",
    ),
    "a webhook": (lambda d: d["webhooks"].clear(), "webhook call.made: is gone"),
}  # fmt: skip

HARMLESS: dict[str, Edit] = {
    "nothing": dict.copy,
    "a new operation": lambda d: d["paths"].update({"/v1/new": {"get": {}}}),
    "a new value": lambda d: schema(d, "Mode")["enum"].append("new"),
    "a new field of an answer": lambda d: schema(d, "Record")["properties"].update(
        new={"type": "string"}
    ),
    "a new field of a request": lambda d: schema(d, "Call")["properties"].update(
        new={"type": "string"}
    ),
    "less that is required": lambda d: schema(d, "Call")["required"].clear(),
    "more that is promised": lambda d: schema(d, "Record")["required"].append("mode"),
    "a wider bound": lambda d: schema(d, "Call")["properties"]["name"].update(maxLength=99),
    "a lifted bound": lambda d: schema(d, "Call")["properties"]["name"].pop("maxLength"),
    "null in a request": lambda d: schema(d, "Call")["properties"].update(
        name={"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}
    ),
    "a description": lambda d: schema(d, "Call").update(description="new"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_is_found(name: str) -> None:
    edit, told = BREAKING[name]
    found = changed(edit)
    assert any(told in text for text in found), found


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_not_break_passes(name: str) -> None:
    assert changed(HARMLESS[name]) == []


def test_the_document_keeps_the_promises_of_the_last_release() -> None:
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (BASELINE, DOCUMENT))
    assert breaking(old, new) == []
