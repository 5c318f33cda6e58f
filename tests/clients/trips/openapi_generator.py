"""A round trip with the Python client that openapi-generator makes."""

import datetime as dt
import os
from uuid import UUID

import csapi_client as made

AT = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)


def call(name: str, at: dt.datetime = AT) -> made.Call:
    leg = made.CallLeg(agent="a1", started_at=at + dt.timedelta(seconds=9), talk_seconds=180)
    return made.Call(source="trip", external_id=name, queue_entered_at=at, legs=[leg])


def question(metric: str) -> made.Query:
    return made.Query(
        metrics=[made.MetricRequest(id=metric)],
        time=made.QueryTime(
            range=made.TimeRange(var_from="2026-01-01", to="2026-02-01"), timezone="UTC"
        ),
    )


def ingest(client: made.ApiClient) -> None:
    items = [call("c1"), call("c2"), call("c3", AT.replace(year=2999))]
    answer = made.RecordsApi(client).ingest_calls_batch(items)
    assert (answer.summary.created, answer.summary.rejected) == (2, 1)
    assert answer.results[2].status is made.IngestStatus.REJECTED
    assert answer.results[2].errors[0].pointer.startswith("/2/")


def page(client: made.ApiClient) -> None:
    records = made.RecordsApi(client)
    first = records.list_calls(limit=1)
    second = records.list_calls(limit=1, cursor=first.page.next_cursor)
    assert second.page.next_cursor is None
    assert [each.external_id for each in (*first.data, *second.data)] == ["c1", "c2"]
    assert first.data[0].queue_entered_at == AT


def query(client: made.ApiClient) -> None:
    reports = made.ReportsApi(client)
    answer = reports.run_query(question("calls_offered"))
    assert answer.data[0].metrics["calls_offered"].value == 2
    try:
        reports.run_query(question("no_such_metric"))
    except made.ApiException as refused:
        problem = refused.data
    assert isinstance(problem, made.Problem)
    assert (problem.status, problem.code) == (422, "unknown_metric")
    assert problem.errors[0].pointer == "/metrics/0/id"


def unchanged(client: made.ApiClient) -> None:
    reports = made.ReportsApi(client)
    reports.save_query("trip", question("calls_offered"))
    first = reports.get_saved_query_result_with_http_info("trip")
    assert first.headers is not None
    tag = first.headers["etag"]
    again = reports.get_saved_query_result_without_preload_content("trip", if_none_match=tag)
    assert again.status == 304


def too_many(client: made.ApiClient) -> None:
    wanted = made.ExportRequest(format=made.ExportFormat.CSV, query=question("calls_offered"))
    for _ in range(50):
        try:
            made.ExportsApi(client).create_export(wanted)
        except made.ApiException as error:
            refused = error
            break
    assert refused.status == 429
    assert refused.data.code in ("too_many_exports", "rate_limited")
    assert int(refused.headers["retry-after"]) > 0


def paper(client: made.ApiClient) -> None:
    agent = made.RecordsApi(client).ingest_agent(made.Agent(source="trip", external_id="a1"))
    found = made.ReportsApi(client).get_agent_evaluation_without_preload_content(
        UUID(agent.id),
        var_from="2026-01-01",
        to="2026-02-01",
        _headers={"Accept": "application/pdf"},
    )
    assert found.read().startswith(b"%PDF")


def main() -> None:
    settings = made.Configuration(host=os.environ["CSAPI_URL"])
    settings.access_token = os.environ["CSAPI_KEY"]
    with made.ApiClient(settings) as client:
        for step in (ingest, page, query, unchanged, too_many, paper):
            step(client)


main()
