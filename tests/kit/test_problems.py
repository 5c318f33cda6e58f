import httpx
import pytest
from tests.kit.sample import KEY, make_app

from csapi.kit.problem_types import PROBLEMS
from csapi.kit.problems import FieldError, Problem, invalid, pointer, shown

FAILURES = {
    "defect": (500, "internal_error", None),
    "file": (500, "internal_error", None),
    "misuse": (500, "internal_error", None),
    "kept": (500, "internal_error", None),
    "shared": (500, "internal_error", None),
    "duplicate": (500, "internal_error", None),
    "connection": (503, "database_unavailable", "2"),
    "starting": (503, "database_unavailable", "2"),
    "ending": (503, "database_unavailable", "2"),
    "crashed": (503, "database_unavailable", "2"),
    "failed": (503, "database_unavailable", "2"),
    "standby": (503, "database_unavailable", "2"),
    "crowded": (503, "database_unavailable", "2"),
    "closed": (503, "database_unavailable", "2"),
    "lost": (503, "database_unavailable", "2"),
    "refused": (503, "database_unavailable", "2"),
    "socket": (503, "database_unavailable", "2"),
    "pool": (503, "database_unavailable", "2"),
    "canceled": (503, "query_timeout", "5"),
    "deadlock": (503, "busy", "1"),
    "disk": (503, "storage_full", "60"),
}


@pytest.mark.parametrize(
    ("name", "status", "code", "retry"), [(k, *v) for k, v in FAILURES.items()], ids=FAILURES
)
async def test_failures_become_problems(
    client: httpx.AsyncClient, name: str, status: int, code: str, retry: str | None
) -> None:
    answer = await client.get(f"/raise/{name}")
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem | {"detail": ""} == {
        "type": f"/errors/{code}",
        "title": PROBLEMS[code].title,
        "status": status,
        "code": code,
        "detail": "",
        "instance": f"/raise/{name}",
        "request_id": answer.headers["X-Request-Id"],
        "errors": [],
    }
    assert KEY not in answer.text


async def test_a_defect_is_logged_with_its_traceback(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/raise/defect")
    (record,) = [r for r in caplog.records if r.name == "csapi.errors"]
    assert record.exc_info is not None
    assert record.__dict__["fields"]["request_id"] == answer.headers["X-Request-Id"]


async def test_an_outage_is_logged_in_one_line(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.get("/raise/refused")
    (record,) = [r for r in caplog.records if r.name == "csapi.errors"]
    assert record.exc_info is None
    assert record.__dict__["fields"]["error"] == "ConnectionRefusedError"


async def test_routing_answers_with_problems(client: httpx.AsyncClient) -> None:
    missing = await client.get("/v1/nothing?secret=1")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert "secret" not in missing.text
    wrong = await client.delete("/v1/calls")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


async def test_401_says_how_to_authenticate() -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app()), base_url="http://test"
    ) as stranger:
        answer = await stranger.get("/v1/calls")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_foreign_key_is_403(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/calls", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/calls/1", 404, "not_found"),
        ("/v1/calls/99999999999999999999", 404, "not_found"),
        ("/v1/calls/%D9%A3", 404, "not_found"),
        ("/v1/calls/%00", 404, "not_found"),
        ("/v1/calls/%ff", 400, "invalid_utf8"),
        ("/v1/calls/%c0%af", 400, "invalid_utf8"),
        (f"/v1/calls/{'x' * 50_000}", 404, "not_found"),
        ("/v1/calls/..%2f..%2fetc%2fpasswd", 404, "not_found"),
    ],
)
async def test_paths_are_read_strictly(
    client: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 500


async def test_each_type_leads_to_its_explanation(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/errors")).json()["data"]
    assert [each["code"] for each in listed] == list(PROBLEMS)
    for each in listed:
        assert (await client.get(each["type"])).json() == each
    assert (await client.get("/errors/none")).status_code == 404


def test_codes_are_words_and_statuses_errors() -> None:
    for code, kind in PROBLEMS.items():
        assert code.isidentifier()
        assert code.islower()
        assert 400 <= kind.status < 600
        assert kind.description.endswith(".")
        is_passing = kind.status in (429, 503) or code == "request_in_progress"
        assert (kind.retry_after is not None) == is_passing


def test_the_first_error_names_the_problem() -> None:
    problem = invalid(
        FieldError("/a", "too_long", "Too long."), FieldError("", "required", "Needed.")
    )
    assert (problem.code, problem.detail) == ("too_long", "/a: Too long. (and 1 more)")
    assert len(problem.errors) == 2


def test_an_unknown_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code", "")


def test_pointers_are_escaped_and_values_shortened() -> None:
    assert pointer("a/b", 0, "m~n") == "/a~1b/0/m~0n"
    assert shown("x" * 64) == "x" * 64
    assert len(shown("x" * 65)) == 64
