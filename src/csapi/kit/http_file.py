"""The operations of an OpenAPI document as an .http file, which editors send requests from."""

from collections.abc import Iterator, Mapping
from typing import Any

from csapi.kit.postman import JSON, example_of

HEAD = """# All operations of csapi, for the HTTP clients of editors. Set base_url, key and the ids.
@base_url = http://127.0.0.1:8800
@key = csk_live_..."""


def http_file(document: Mapping[str, Any]) -> str:
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    named = {
        each["name"]: None
        for _, _, operation in operations
        for each in operation.get("parameters", [])
        if each["in"] == "path"
    }
    variables = "".join(f"\n@{name} = " for name in named)
    requests = ("\n".join(_lines(*each)) for each in operations)
    return f"{HEAD}{variables}\n\n" + "\n\n".join(requests) + "\n"


def _lines(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    parameters = operation.get("parameters", [])
    asked = [each["name"] for each in parameters if each["in"] == "query" and each["required"]]
    query = "?" + "&".join(f"{name}=" for name in asked) if asked else ""
    yield f"### {operation['summary']} ({operation['operationId']})"
    place = path.replace("{", "{{").replace("}", "}}")
    yield f"{method.upper()} {{{{base_url}}}}{place}{query}"
    if operation["security"]:
        yield "Authorization: Bearer {{key}}"
    if (example := example_of(operation)) is not None:
        yield f"Content-Type: {JSON}"
        yield ""
        yield example
