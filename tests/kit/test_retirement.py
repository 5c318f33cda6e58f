"""Deprecation and Sunset, on an operation that is made up: none of ours goes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from litestar import Litestar
from tests.kit.sample import AUTHORIZED, Receipt, authenticate

from csapi.app import ALL_OPERATIONS
from csapi.kit.http import Edge, Response, answer_exception, json_response
from csapi.kit.openapi import build_document
from csapi.kit.operations import AnyRequest, Operation, litestar_handlers
from csapi.kit.problems import Problem
from csapi.kit.retirement import Retirement

GOES = Retirement(
    deprecated_at=datetime(2026, 1, 1, tzinfo=UTC),
    sunset_at=datetime(2027, 1, 1, 3, tzinfo=timezone(timedelta(hours=3))),
    page="https://example.test/moved",
)


async def old(request: AnyRequest, principal: object) -> Response:
    if "x-fail" in request.headers:
        raise Problem("conflict", "No.")
    return json_response(Receipt(accepted=1))


OLD = Operation(
    method="GET",
    path="/v1/old",
    operation_id="getOld",
    summary="Old",
    description="Old.",
    tag="Old",
    handler=old,
    scope="calls",
    responses={200: Receipt},
    retirement=GOES,
)


@pytest.mark.parametrize("sent", [{}, {"x-fail": "1"}])
async def test_every_answer_says_that_it_goes(sent: dict[str, str]) -> None:
    app = Litestar(
        litestar_handlers([OLD], authenticate),
        openapi_config=None,
        logging_config=None,
        exception_handlers={Exception: answer_exception},
    )
    transport = httpx.ASGITransport(Edge(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/v1/old", headers={**AUTHORIZED, **sent})
    assert answer.headers["deprecation"] == "@1767225600"
    assert answer.headers["sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    link = '<https://example.test/moved>; rel="deprecation"; type="text/html"'
    assert answer.headers["link"] == link


def test_the_document_says_so_too() -> None:
    document = build_document([OLD], title="t", version="1", description="d", tags={"Old": "Old."})
    entry: dict[str, Any] = document["paths"]["/v1/old"]["get"]
    assert entry["deprecated"] is True
    assert {"Deprecation", "Sunset"} <= set(entry["responses"]["200"]["headers"])


def test_what_goes_is_deprecated_first() -> None:
    with pytest.raises(ValueError, match="deprecated first"):
        Retirement(deprecated_at=GOES.sunset_at, sunset_at=GOES.deprecated_at, page="/x")


def test_nothing_of_v1_goes() -> None:
    assert [each.operation_id for each in ALL_OPERATIONS if each.retirement is not None] == []
