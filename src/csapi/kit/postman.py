"""A Postman collection (v2.1) of the operations in an OpenAPI document; Bruno reads it, too."""

import json
from collections.abc import Mapping
from typing import Any

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
JSON = "application/json"
Document = Mapping[str, Any]


def _url(path: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    segments = [
        f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")
    ]
    url: dict[str, Any] = {
        "raw": "{{base_url}}/" + "/".join(segments),
        "host": ["{{base_url}}"],
        "path": segments,
    }
    places = {"path": "variable", "query": "query"}
    for place, key in places.items():
        found = [each for each in parameters if each["in"] == place]
        if found:
            url[key] = [
                {
                    "key": each["name"],
                    "value": "",
                    "description": each["description"],
                    # What is optional is there to be switched on.
                    **({"disabled": True} if place == "query" and not each["required"] else {}),
                }
                for each in found
            ]
    return url


def example_of(operation: Mapping[str, Any]) -> str | None:
    """The first example of its body; None where it has none in JSON."""
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if content is None:
        return None
    examples: dict[str, Any] = content.get("examples", {})
    example: dict[str, Any] = next(iter(examples.values()), {"value": {}})
    return json.dumps(example["value"], indent=2, ensure_ascii=False)


def _body(operation: Mapping[str, Any]) -> dict[str, Any] | None:
    example = example_of(operation)
    if example is None:
        return None
    return {"mode": "raw", "raw": example, "options": {"raw": {"language": "json"}}}


def _request(method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    body = _body(operation)
    headers: list[dict[str, Any]] = [{"key": "Content-Type", "value": JSON}] if body else []
    headers += [
        {"key": each["name"], "value": "", "disabled": True, "description": each["description"]}
        for each in parameters
        if each["in"] == "header"
    ]
    request: dict[str, Any] = {
        "method": method.upper(),
        "header": headers,
        "url": _url(path, parameters),
        "description": operation["description"],
    }
    if body:
        request["body"] = body
    if not operation["security"]:
        request["auth"] = {"type": "noauth"}
    return {"name": operation["summary"], "request": request}


def collection(document: Document) -> dict[str, Any]:
    """A folder for each tag; the address and the key are the variables base_url and key."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            folders.setdefault(operation["tags"][0], []).append(_request(method, path, operation))
    key = {"key": "token", "value": "{{key}}", "type": "string"}
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [key]},
        "variable": [
            {"key": "base_url", "value": "http://127.0.0.1:8800"},
            {"key": "key", "value": ""},
        ],
        "item": [
            {"name": tag["name"], "description": tag["description"], "item": folders[tag["name"]]}
            for tag in document["tags"]
            if tag["name"] in folders
        ],
    }
