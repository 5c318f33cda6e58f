"""A round trip with the client that openapi-python-client makes."""

import datetime as dt
import os
from uuid import UUID

from csapi_client import AuthenticatedClient
from csapi_client.api.exports import create_export
from csapi_client.api.records import ingest_agent, ingest_calls_batch, list_calls
from csapi_client.api.reports import (
    get_agent_evaluation,
    get_saved_query_result,
    run_query,
    save_query,
)
from csapi_client.models import (
    Agent,
    BatchAnswer,
    Call,
    CallLeg,
    CallPage,
    Export,
    ExportFormat,
    ExportRequest,
    IngestReceipt,
    IngestStatus,
    MetricRequest,
    Problem,
    Query,
    QueryAnswer,
    QueryTime,
    TimeRange,
)

AT = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
FAR = AT.replace(year=2999)


def call(name: str, at: dt.datetime = AT) -> Call:
    leg = CallLeg(agent="a1", started_at=at + dt.timedelta(seconds=9), talk_seconds=180)
    return Call(source="trip", external_id=name, queue_entered_at=at, legs=[leg])


def question(metric: str) -> Query:
    return Query(
        metrics=[MetricRequest(id=metric)],
        time=QueryTime(range_=TimeRange(from_="2026-01-01", to="2026-02-01"), timezone="UTC"),
    )


def ingest(client: AuthenticatedClient) -> None:
    items = [call("c1"), call("c2"), call("c3", FAR)]
    answer = ingest_calls_batch.sync(client=client, body=items)
    assert isinstance(answer, BatchAnswer), answer
    assert (answer.summary.created, answer.summary.rejected) == (2, 1)
    assert answer.results[2].status is IngestStatus.REJECTED
    assert answer.results[2].errors[0].pointer.startswith("/2/")


def page(client: AuthenticatedClient) -> None:
    first = list_calls.sync(client=client, limit=1)
    assert isinstance(first, CallPage), first
    assert isinstance(first.page.next_cursor, str)
    second = list_calls.sync(client=client, limit=1, cursor=first.page.next_cursor)
    assert isinstance(second, CallPage)
    assert second.page.next_cursor is None
    assert [each.external_id for each in (*first.data, *second.data)] == ["c1", "c2"]
    assert first.data[0].queue_entered_at == AT


def query(client: AuthenticatedClient) -> None:
    answer = run_query.sync(client=client, body=question("calls_offered"))
    assert isinstance(answer, QueryAnswer), answer
    assert answer.data[0].metrics["calls_offered"].value == 2
    refused = run_query.sync(client=client, body=question("no_such_metric"))
    assert isinstance(refused, Problem)
    assert (refused.status, refused.code) == (422, "unknown_metric")
    assert refused.errors[0].pointer == "/metrics/0/id"


def unchanged(client: AuthenticatedClient) -> None:
    save_query.sync_detailed("trip", client=client, body=question("calls_offered"))
    first = get_saved_query_result.sync_detailed("trip", client=client)
    assert isinstance(first.parsed, QueryAnswer)
    tag = first.headers["etag"]
    again = get_saved_query_result.sync_detailed("trip", client=client, if_none_match=tag)
    assert (again.status_code, again.content, again.parsed) == (304, b"", None)


def too_many(client: AuthenticatedClient) -> None:
    wanted = ExportRequest(format_=ExportFormat.CSV, query=question("calls_offered"))
    for _ in range(50):
        answer = create_export.sync_detailed(client=client, body=wanted)
        if answer.status_code == 429:
            break
        assert isinstance(answer.parsed, Export), answer
    assert isinstance(answer.parsed, Problem)
    assert answer.parsed.code in ("too_many_exports", "rate_limited")
    assert int(answer.headers["retry-after"]) > 0


def paper(client: AuthenticatedClient) -> None:
    agent = ingest_agent.sync(client=client, body=Agent(source="trip", external_id="a1"))
    assert isinstance(agent, IngestReceipt), agent
    pdf = client.with_headers({"Accept": "application/pdf"}).get_httpx_client()
    wanted = get_agent_evaluation._get_kwargs(UUID(agent.id), from_="2026-01-01", to="2026-02-01")
    assert pdf.request(**wanted).content.startswith(b"%PDF")


def main() -> None:
    client = AuthenticatedClient(base_url=os.environ["CSAPI_URL"], token=os.environ["CSAPI_KEY"])
    for step in (ingest, page, query, unchanged, too_many, paper):
        step(client)


main()
