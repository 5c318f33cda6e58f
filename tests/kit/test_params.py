import httpx
import pytest

REFUSED = {
    "unknown": ("chanel=email", 422, "unknown_parameter", "/chanel"),
    "twice": ("limit=1&limit=2", 422, "duplicate_parameter", "/limit"),
    "the same twice": ("limit=1&limit=1", 422, "duplicate_parameter", "/limit"),
    "text for integer": ("limit=x", 422, "wrong_type", "/limit"),
    "exponent for integer": ("limit=1e2", 422, "wrong_type", "/limit"),
    "float for integer": ("limit=1.0", 422, "wrong_type", "/limit"),
    "Arabic digits": ("limit=%D9%A3", 422, "wrong_type", "/limit"),
    "underscore": ("limit=1_0", 422, "wrong_type", "/limit"),
    "null": ("limit=null", 422, "wrong_type", "/limit"),
    "empty": ("limit=", 422, "wrong_type", "/limit"),
    "without value": ("limit", 422, "wrong_type", "/limit"),
    "out of range": ("limit=1001", 422, "out_of_range", "/limit"),
    "huge": (f"limit={'9' * 5000}", 422, "wrong_type", "/limit"),
    "NaN": ("share=NaN", 422, "wrong_type", "/share"),
    "1e400": ("share=1e400", 422, "wrong_type", "/share"),
    "yes": ("open=yes", 422, "wrong_type", "/open"),
    "enum": ("outcome=lost", 422, "invalid_value", "/outcome"),
    "injection": ("outcome=answered;drop", 422, "invalid_value", "/outcome"),
    "naive": ("created_from=2026-01-01T00:00:00", 422, "timezone_required", "/created_from"),
    "epoch": ("created_from=1767607200", 422, "invalid_value", "/created_from"),
    "bare plus": (
        "created_from=2026-01-01T00:00:00+02:00",
        422,
        "invalid_value",
        "/created_from",
    ),
    "NUL": ("cursor=%00", 422, "nul_character", ""),
    "bad UTF-8": ("cursor=%ff", 400, "invalid_utf8", None),
    "bad UTF-8 in the name": ("%ff=1", 400, "invalid_utf8", None),
    "surrogate": ("cursor=%ed%a0%80", 400, "invalid_utf8", None),
}


@pytest.mark.parametrize(("query", "status", "code", "place"), REFUSED.values(), ids=REFUSED)
async def test_a_query_string_is_read_strictly(
    client: httpx.AsyncClient, query: str, status: int, code: str, place: str | None
) -> None:
    answer = await client.get(f"/v1/calls?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert [error["pointer"] for error in problem["errors"]] == ([] if place is None else [place])


async def test_parameters_have_types(client: httpx.AsyncClient) -> None:
    query = (
        "channel=email&channel=a%26b+c&outcome=abandoned&limit=7&share=-0.5&open=true"
        "&created_from=2026-01-01T00:00:00%2B02:00&cursor=null&&"
    )
    assert (await client.get(f"/v1/calls?{query}")).json() == {
        "channel": ["email", "a&b c"],
        "outcome": "abandoned",
        "limit": 7,
        "share": -0.5,
        "open": True,
        "created_from": "2026-01-01T00:00:00+02:00",
        "cursor": "null",
    }


async def test_defaults_stand_for_absent_parameters(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/calls")).json()["limit"] == 100


async def test_an_operation_without_parameters_has_none(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/calls?dry_run=true", json={"external_id": "c1"})
    assert answer.json()["code"] == "unknown_parameter"


async def test_what_is_allowed_is_named_and_the_plus_explained(client: httpx.AsyncClient) -> None:
    unknown = (await client.get("/v1/calls?x=1")).json()["errors"][0]
    assert "created_from" in unknown["allowed"]
    plus = await client.get("/v1/calls?created_from=2026-01-01T00:00:00+02:00")
    assert "%2B" in plus.json()["detail"]
    assert "2026-01-01" not in plus.text


async def test_many_errors_are_cut(client: httpx.AsyncClient) -> None:
    query = "&".join(f"x{number}=1" for number in range(500))
    answer = await client.get(f"/v1/calls?{query}")
    assert len(answer.json()["errors"]) == 20
