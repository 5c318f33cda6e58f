from dataclasses import replace
from typing import Any

import httpx
import pytest
from litestar import Litestar
from tests.kit.sample import (
    OPERATIONS,
    Call,
    CallFilter,
    CallPath,
    Receipt,
    authenticate,
    operation,
    post_call,
)

from csapi.kit.http import Edge, Response, answer_exception, no_content
from csapi.kit.operations import (
    AnyRequest,
    Operation,
    OperationError,
    body_of,
    check_operations,
    items_of,
    litestar_handlers,
    params_of,
)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"scope": None}, "scope"),
        ({"public": True}, "scope"),
        ({"path": "v1/x"}, "starts with /"),
        ({"operation_id": "ListCalls"}, "camelCase"),
        ({"operation_id": "list_calls"}, "camelCase"),
        ({"summary": ""}, "summary"),
        ({"description": ""}, "description"),
        ({"responses": {}}, "success"),
        ({"responses": {422: Receipt}}, "success"),
        ({"problems": ("no_such_code",)}, "problems"),
        ({"path": "/v1/x/{id}"}, "placeholder"),
        ({"path_params": CallPath}, "placeholder"),
        ({"method": "GET", "request": Call}, "body"),
        ({"ndjson": True}, "item type"),
    ],
)
def test_a_declaration_that_breaks_a_rule_fails_the_build(
    change: dict[str, Any], rule: str
) -> None:
    good: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/x",
        "operation_id": "createThing",
        "handler": post_call,
    }
    operation(**good)
    with pytest.raises(OperationError, match=rule):
        operation(**{**good, **change})


@pytest.mark.parametrize("change", [{"path": "/v1/y"}, {"operation_id": "createOther"}])
def test_ids_and_routes_are_unique(change: dict[str, Any]) -> None:
    first = OPERATIONS[1]
    with pytest.raises(OperationError, match="twice"):
        check_operations([first, replace(first, **change)])


async def call(declared: Operation, **sent: Any) -> httpx.Response:
    routes = litestar_handlers([declared], authenticate)
    app = Litestar(
        routes,
        openapi_config=None,
        logging_config=None,
        exception_handlers={Exception: answer_exception},
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Edge(app)), base_url="http://test"
    ) as client:
        return await client.request(declared.method, declared.path, **sent)


async def test_a_handler_gets_only_what_is_declared() -> None:
    async def handler(request: AnyRequest, principal: object) -> Response:
        assert principal is None
        with pytest.raises(OperationError, match="createThing"):
            params_of(request, CallFilter)
        with pytest.raises(OperationError, match="createThing"):
            await body_of(request, Receipt)
        with pytest.raises(OperationError, match="createThing"):
            await items_of(request)
        assert await body_of(request, Call) == Call(external_id="c1")
        return no_content()

    declared = operation(
        method="POST",
        path="/v1/things",
        operation_id="createThing",
        handler=handler,
        scope=None,
        public=True,
        request=Call,
        responses={204: None},
    )
    assert (await call(declared, json={"external_id": "c1"})).status_code == 204
    assert (await call(declared, json={})).json()["code"] == "required"
    assert (await call(declared, params={"x": 1})).json()["code"] == "unknown_parameter"
