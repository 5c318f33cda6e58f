"""GET /v1/feedback/terms: what is counted, by language, without personal data."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant

DAY = {"from": "2026-01-05", "to": "2026-01-06"}
# comment, language, rating
COMMENTS = [
    ("The delivery was late, and late again!", "en", 1),
    ("Late delivery. Call me: lina@example.org or +49 30 1234567", "en", 2),
    ("Great support, fast delivery", "en", 5),
    ("التوصيل متأخر جدا", "ar", 1),
    ("التوصيل مُتأخر", "ar", 2),
    ("物流太慢", "zh", 1),
    ("物流很慢", "zh", 2),
    ("late", None, 3),
    ("the", "en", 3),
    (None, "en", 5),
    ("  ", "en", 5),
]


def answer_of(number: int, comment: str | None, language: str | None, rating: int) -> Any:
    return {
        "source": "s", "external_id": f"f{number}", "survey": "csat", "rating": rating,
        "responded_at": "2026-01-05T12:00:00Z", "comment": comment, "language": language,
    }  # fmt: skip


def send(tenant: Tenant, *items: Any) -> None:
    answer = tenant.http.post("/v1/feedback/batch", json=items)
    assert answer.json()["summary"]["rejected"] == 0, answer.text


@pytest.fixture
def heard(make_tenant: Callable[..., Tenant]) -> Tenant:
    tenant = make_tenant("UTC")
    send(tenant, *(answer_of(number, *each) for number, each in enumerate(COMMENTS)))
    return tenant


def terms(tenant: Tenant, **params: Any) -> Any:
    answer = tenant.http.get("/v1/feedback/terms", params={**DAY, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(report: Any) -> list[tuple[Any, ...]]:
    return [
        (row["term"], row["language"], row["feedback"], row["negative"]) for row in report["data"]
    ]


def test_words_count_once_a_comment_and_by_language(heard: Tenant) -> None:
    report = terms(heard)
    assert counts(report)[0] == ("delivery", "en", 3, 2)
    assert ("late", "en", 2, 2) in counts(report)
    assert ("متاخر", "ar", 2, 2) in counts(report)
    assert ("物流", "zh", 2, 2) in counts(report)
    assert report["data"][0]["negative_share"] == 2 / 3
    assert report["data"][0]["positive"] == 1
    assert report["totals"] == {
        "with_comment": 10, "positive": 2, "negative": 6, "without_term": 2,
    }  # fmt: skip


def test_personal_data_and_small_words_are_left_out(heard: Tenant) -> None:
    said = {term for term, *_ in counts(terms(heard, at_least=1, limit=1000))}
    assert "great" in said
    assert not said & {"lina", "example", "example.org", "org", "49", "30", "1234567", "the", "and"}


def test_phrases_are_two_words_that_follow_each_other(heard: Tenant) -> None:
    found = counts(terms(heard, by="phrase", at_least=1, language="en"))
    assert ("late delivery", "en", 1, 1) in found
    assert ("delivery late", "en", 1, 1) in found
    assert {language for _, language, *_ in found} == {"en"}


def test_what_is_corrected_or_deleted_counts_as_it_is_now(heard: Tenant) -> None:
    send(heard, answer_of(0, "All good", "en", 5))
    send(heard, {**answer_of(2, None, "en", 5), "deleted": True})
    assert ("delivery", "en", 1, 1) in counts(terms(heard, at_least=1))


def test_another_survey_has_none(heard: Tenant) -> None:
    assert terms(heard, survey="nps")["data"] == []
    assert terms(heard, survey="csat")["data"]


def test_another_tenant_sees_nothing(heard: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    assert terms(heard)["data"]
    report = terms(make_tenant("UTC"), at_least=1)
    assert (report["data"], report["totals"]["with_comment"]) == ([], 0)


def test_it_needs_the_scope_of_reports(make_tenant: Callable[..., Tenant]) -> None:
    answer = make_tenant(scopes=["ingest:write"]).http.get("/v1/feedback/terms")
    assert answer.json()["code"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [({"at_least": 0}, "/at_least"), ({"by": "letter"}, "/by"), ({"survey": "x"}, "/survey")],
)
def test_what_cannot_be_asked_is_named(
    tenant: Tenant, params: dict[str, Any], pointer: str
) -> None:
    answer = tenant.http.get("/v1/feedback/terms", params={**DAY, **params})
    assert 400 <= answer.status_code < 500
    assert answer.json()["errors"][0]["pointer"] == pointer
