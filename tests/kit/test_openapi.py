import copy
import json
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from tests.kit.sample import DOCUMENT, OPERATIONS, Call, get_call, operation

from csapi.kit.openapi import build_document, document_text, validate_document
from csapi.kit.openapi_rules import violations
from csapi.kit.operations import Media, Operation

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
POST = DOCUMENT["paths"]["/v1/calls"]["post"]
LIST = DOCUMENT["paths"]["/v1/calls"]["get"]


def document_of(*operations: Operation) -> dict[str, Any]:
    return build_document(
        operations, title="t", version="1", description="d", tags={"Calls": "Calls."}
    )


def test_the_document_is_valid_and_keeps_the_house_rules() -> None:
    validate_document(DOCUMENT)


def test_the_document_is_the_same_each_time() -> None:
    again = build_document(
        OPERATIONS,
        title="sample",
        version="1",
        description="A sample.",
        tags={"Calls": "Calls.", "Errors": "Errors."},
    )
    assert document_text(again) == document_text(DOCUMENT)
    assert json.loads(document_text(DOCUMENT)) == DOCUMENT


def test_enums_have_type_order_and_names() -> None:
    assert SCHEMAS["Outcome"] == {
        "title": "Outcome",
        "description": "How it ended.",
        "type": "string",
        "enum": ["answered", "abandoned"],
        "x-enum-varnames": ["ANSWERED", "ABANDONED"],
    }


def test_tagged_unions_are_components() -> None:
    assert SCHEMAS["Action"]["discriminator"]["mapping"] == {
        "dial": "#/components/schemas/Dial",
        "hang": "#/components/schemas/Hang",
    }
    assert SCHEMAS["Call"]["properties"]["actions"]["items"] == {
        "$ref": "#/components/schemas/Action"
    }
    assert SCHEMAS["Dial"]["properties"]["type"] == {"const": "dial", "type": "string"}


def test_requests_tell_defaults_in_words_and_forbid_unknown_fields() -> None:
    assert SCHEMAS["Call"]["required"] == ["external_id"]
    assert SCHEMAS["Call"]["additionalProperties"] is False
    assert SCHEMAS["Call"]["properties"]["attempt"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 10,
        "description": "Default: 1.",
    }


def test_answers_always_have_every_field_that_is_always_written() -> None:
    assert SCHEMAS["Receipt"]["required"] == ["accepted", "errors", "outcome"]
    assert set(SCHEMAS["Problem"]["required"]) == set(SCHEMAS["Problem"]["properties"])
    assert set(SCHEMAS["FieldError"]["required"]) == {"pointer", "code", "message", "allowed"}


def test_descriptions_stand_at_the_field() -> None:
    seconds = SCHEMAS["Leg"]["properties"]["talk_seconds"]
    assert seconds["description"] == "A duration in seconds."
    assert "description" not in seconds["anyOf"][0]


def test_parameters_are_flat_and_never_null() -> None:
    parameters = {each["name"]: each for each in LIST["parameters"]}
    assert parameters["channel"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert (parameters["channel"]["style"], parameters["channel"]["explode"]) == ("form", True)
    assert parameters["created_from"]["schema"] == {"type": "string", "format": "date-time"}
    assert parameters["outcome"]["schema"] == {"$ref": "#/components/schemas/Outcome"}
    assert parameters["limit"]["description"] == "Page size. Default: 100."
    assert not any(each["required"] for each in parameters.values())
    (by_id,) = DOCUMENT["paths"]["/v1/calls/{id}"]["get"]["parameters"]
    assert by_id["required"]
    assert by_id["schema"] == {"type": "string", "format": "uuid"}
    assert "CallFilter" not in SCHEMAS


def test_errors_are_shared_and_follow_from_the_declaration() -> None:
    assert set(POST["responses"]) == {
        *("201", "400", "401", "403", "408", "409", "413", "415", "422", "429", "503", "default"),
    }
    assert set(LIST["responses"]) == {
        *("200", "400", "401", "403", "422", "429", "503", "default"),
    }
    assert "404" in DOCUMENT["paths"]["/v1/calls/{id}"]["get"]["responses"]
    responses = DOCUMENT["components"]["responses"]
    assert "Retry-After" in responses["TooManyRequests"]["headers"]
    assert all("X-Request-Id" in each["headers"] for each in responses.values())


def test_a_batch_is_json_first_and_lines_second() -> None:
    content = DOCUMENT["paths"]["/v1/calls/batch"]["post"]["requestBody"]["content"]
    assert list(content) == ["application/json", "application/x-ndjson"]
    assert content["application/json"]["schema"]["maxItems"] == 1000


def test_security_names_the_scope_and_public_operations_say_so() -> None:
    assert next(iter(DOCUMENT["components"]["securitySchemes"])) == "bearerAuth"
    assert POST["security"][0] == {"bearerAuth": []}
    assert POST["x-scope"] == "calls:any"
    assert DOCUMENT["paths"]["/errors"]["get"]["security"] == []


def test_examples_are_read_by_the_decoder() -> None:
    for declared in OPERATIONS:
        for example in declared.request_examples.values():
            msgspec.json.decode(msgspec.json.encode(example), type=declared.request)


def test_other_media_and_their_headers() -> None:
    document = document_of(
        operation(
            method="GET",
            path="/v1/file",
            operation_id="getFile",
            handler=get_call,
            problems=("conflict",),
            responses={
                200: Media(body=bytes, media_type="application/pdf", headers=("ETag",)),
                202: Media(body=dict[str, Any], example={"a": 1}, description="Later."),
                204: None,
            },
        )
    )
    validate_document(document)
    responses = document["paths"]["/v1/file"]["get"]["responses"]
    pdf = {"schema": {"type": "string", "format": "binary"}}
    assert responses["200"]["content"] == {"application/pdf": pdf}
    assert "ETag" in responses["200"]["headers"]
    assert responses["202"]["content"]["application/json"]["example"] == {"a": 1}
    assert "content" not in responses["204"]
    assert responses["409"] == {"$ref": "#/components/responses/Conflict"}


def test_an_undeclared_tag_fails_the_build() -> None:
    with pytest.raises(ValueError, match="tag"):
        document_of(
            operation(method="GET", path="/x", operation_id="getX1", handler=get_call, tag="Other")
        )


class Level(Enum):
    one = 1


class Loose(msgspec.Struct, kw_only=True):
    ends_at: str
    Camel: str = ""
    value: str | int = 0
    pair: tuple[int, int] = (1, 2)
    level: Level | None = None


class Map(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    a: str


class Untold(msgspec.Struct, kw_only=True):
    sortBy: str = ""  # noqa: N815 - that is the case
    pair: Annotated[dict[str, int], Meta(description="x")] = {}


def test_the_rules_see_what_they_are_for() -> None:
    document = document_of(
        operation(
            method="POST",
            path="/v1/x",
            operation_id="createLoose",
            handler=get_call,
            request=Loose,
            params=Untold,
            responses={200: Map},
        )
    )
    assert set(violations(document)) == {
        "Loose.Camel: field names are snake_case",
        "Map: a word that target languages use",
        "Loose: a union of scalars",
        "Loose: a tuple",
        "Loose: ends_at is not a date-time: use UtcDatetime",
        "Loose: a request forbids unknown fields",
        "Level: an enum that is not of strings",
        "POST /v1/x: parameter sortBy is not snake_case",
        "POST /v1/x: parameter sortBy has no description",
        "POST /v1/x: parameter pair is not flat",
    }


def broken(change: Callable[[dict[str, Any]], None]) -> list[str]:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return violations(document)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda d: d["components"]["schemas"].update(bad_name={}), "component names"),
        (lambda d: d["components"]["schemas"]["Call"].update(default={}), "a default"),
        (lambda d: d["components"]["schemas"]["Call"]["properties"].update(call={}), "own name"),
        (
            lambda d: d.update(webhooks={"call.made": {"post": {"tags": ["Calls"]}}}),
            "a tag of operations",
        ),
        (lambda d: d["components"]["schemas"]["Outcome"].pop("x-enum-varnames"), "StrEnum"),
        (lambda d: d["components"]["schemas"]["Action"].pop("discriminator"), "discriminator"),
        (lambda d: d["paths"]["/v1/calls"]["get"].pop("security"), "security"),
        (lambda d: d["paths"]["/v1/calls"]["get"].update(operationId="createCall"), "new camel"),
        (lambda d: d["paths"]["/v1/calls"]["get"]["responses"].pop("default"), "default response"),
        (
            lambda d: d["paths"]["/v1/calls"]["get"]["responses"].update({"404": {}}),
            "shared response",
        ),
        (lambda d: d.update(tags=[]), "tags are declared"),
        (
            lambda d: d["paths"]["/v1/calls"]["get"]["parameters"][0]["schema"].update(default=1),
            "default or may be null",
        ),
        (
            lambda d: d["components"]["schemas"]["Call"]["properties"]["serial"].update(
                format="duration"
            ),
            "format duration",
        ),
        (
            lambda d: d["components"]["schemas"]["Call"]["properties"]["serial"].update(
                type=["integer", "null"]
            ),
            "list of types",
        ),
    ],
)
def test_each_rule_can_break(change: Callable[[dict[str, Any]], None], text: str) -> None:
    found = broken(change)
    assert found
    assert any(text in each for each in found)


def test_an_invalid_document_is_refused() -> None:
    with pytest.raises(OpenAPIValidationError):
        validate_document({**DOCUMENT, "paths": []})
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["bad_name"] = {}
    with pytest.raises(ValueError, match="bad_name"):
        validate_document(document)


def test_the_struct_is_the_schema() -> None:
    assert list(SCHEMAS["Call"]["properties"]) == list(Call.__struct_encode_fields__)
