"""Reports: sets of questions, and runs that freeze their answers."""

from datetime import datetime
from uuid import UUID

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.endpoints import desk_of
from csapi.reports.ranges import known_zone
from csapi.reports.runs import store
from csapi.reports.runs.asking import ask_report, check_report
from csapi.reports.runs.reading import OPERATIONS as RUN
from csapi.reports.runs.reading import TAG, missing_run
from csapi.reports.runs.schemas import (
    MOST_REPORTS,
    ReportList,
    ReportPath,
    ReportRequest,
    ReportRun,
    RunList,
    RunPath,
    RunSummary,
    RunTrigger,
    SavedReport,
)
from csapi.reports.runs.timing import next_after

EXAMPLE = {
    "name": "How the week went",
    "timezone": "UTC",
    "sections": [
        {
            "name": "calls",
            "title": "Calls against the week before",
            "query": {
                "metrics": [{"id": "calls_offered"}, {"id": "service_level"}],
                "time": {"range": {"preset": "last_week"}},
                "compare": {"to": "previous_period"},
            },
            "explain": ["queue", "topic"],
        },
        {
            "name": "satisfaction",
            "title": "North against south",
            "query": {
                "metrics": [{"id": "csat_score"}],
                "time": {"range": {"preset": "last_week"}},
                "filters": {"dimension": "team", "op": "in", "values": ["north"]},
                "compare": {
                    "to": "segment",
                    "filters": {"dimension": "team", "op": "in", "values": ["south"]},
                },
            },
        },
    ],
    "schedule": {"every": "week", "weekday": 1, "at": "06:00"},
}


def missing() -> Problem:
    return Problem("not_found", "There is no such report for this key.")


async def checked(
    request: AnyRequest, principal: Principal
) -> tuple[ReportRequest, datetime | None]:
    """The report of the body, and the first turn of its schedule. Raises Problem."""
    report = await body_of(request, ReportRequest)
    zone = known_zone(report.timezone or principal.timezone)
    await check_report(desk_of(request, principal), report)
    return report, None if report.schedule is None else next_after(report.schedule, zone, now())


async def create_report(request: AnyRequest, principal: Principal) -> Response:
    report, turn = await checked(request, principal)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        made = await store.add(connection, principal.tenant_id, report, turn)
        if made is not None:
            await audited(connection, principal, AuditAction.report_created, made.id)
    if made is None:
        raise Problem("conflict", f"There are {MOST_REPORTS} reports: delete one first.")
    return json_response(made, 201, {"location": f"/v1/reports/{made.id}"})


async def replace_report(request: AnyRequest, principal: Principal) -> Response:
    report_id = path_of(request, ReportPath).report_id
    report, turn = await checked(request, principal)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        made = await store.replace(connection, principal.tenant_id, report_id, report, turn)
        if made is not None:
            await audited(connection, principal, AuditAction.report_changed, report_id)
    if made is None:
        raise missing()
    return json_response(made)


async def list_reports(request: AnyRequest, principal: Principal) -> Response:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(store.LIST, principal.tenant_id)
    return json_response(ReportList(data=[store.read_report(row) for row in rows]))


async def found_report(request: AnyRequest, principal: Principal, report_id: UUID) -> SavedReport:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(store.ONE, principal.tenant_id, report_id)
    if row is None:
        raise missing()
    return store.read_report(row)


async def get_report(request: AnyRequest, principal: Principal) -> Response:
    report_id = path_of(request, ReportPath).report_id
    return json_response(await found_report(request, principal, report_id))


async def delete_report(request: AnyRequest, principal: Principal) -> Response:
    report_id = path_of(request, ReportPath).report_id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if not await store.remove(connection, principal.tenant_id, report_id):
            raise missing()
        await audited(connection, principal, AuditAction.report_deleted, report_id)
    return no_content()


async def run_report(request: AnyRequest, principal: Principal) -> Response:
    report_id = path_of(request, ReportPath).report_id
    found = await found_report(request, principal, report_id)
    desk = desk_of(request, principal)
    run, content = await ask_report(desk, report_id, found.report, RunTrigger.request)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if not await store.keep(connection, principal.tenant_id, run, content):
            raise missing()
        act, report = AuditAction.report_run_created, str(report_id)
        await audited(connection, principal, act, run.id, report=report)
    request.app.state.wake_webhooks()
    return json_response(content, 201, {"location": f"/v1/reports/{report_id}/runs/{run.id}"})


async def list_runs(request: AnyRequest, principal: Principal) -> Response:
    report_id = path_of(request, ReportPath).report_id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        if await connection.fetchrow(store.ONE, principal.tenant_id, report_id) is None:
            raise missing()
        rows = await connection.fetch(store.RUNS, principal.tenant_id, report_id)
    data = [
        RunSummary(
            id=str(row["id"]),
            trigger=RunTrigger(row["trigger"]),
            as_of=row["as_of"],
            created_at=row["created_at"],
            sections=row["sections"],
            failed=row["failed"],
        )
        for row in rows
    ]
    return json_response(RunList(data=data))


async def delete_run(request: AnyRequest, principal: Principal) -> Response:
    path = path_of(request, RunPath)
    pool = request.app.state.pool
    place = principal.tenant_id, path.report_id, path.run_id
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if await connection.fetchval(store.DROP_RUN, *place) is None:
            raise missing_run()
        act, report = AuditAction.report_run_deleted, str(path.report_id)
        await audited(connection, principal, act, path.run_id, report=report)
    return no_content()


READING = [
    Operation(
        method="GET",
        path="/v1/reports",
        operation_id="listReports",
        summary="List reports",
        description="All reports, the newest first.",
        tag=TAG,
        handler=list_reports,
        scope=Scope.REPORTS_READ,
        responses={200: ReportList},
    ),
    Operation(
        method="GET",
        path="/v1/reports/{report_id}",
        operation_id="getReport",
        summary="Read a report",
        description="The questions of a report and when they are asked next.",
        tag=TAG,
        handler=get_report,
        scope=Scope.REPORTS_READ,
        path_params=ReportPath,
        responses={200: SavedReport},
    ),
    Operation(
        method="GET",
        path="/v1/reports/{report_id}/runs",
        operation_id="listReportRuns",
        summary="List the runs of a report",
        description="The newest first. The latest 1,000 are kept.",
        tag=TAG,
        handler=list_runs,
        scope=Scope.REPORTS_READ,
        path_params=ReportPath,
        responses={200: RunList},
    ),
]

WRITING = [
    Operation(
        method="POST",
        path="/v1/reports",
        operation_id="createReport",
        repeats="keyed",
        summary="Create a report",
        description="Up to 20 questions under a name, checked at once like queries that are asked. "
        "With a schedule the report runs by itself, by the clock of its zone; a turn that was "
        "missed is made up for once, seen from the time that was planned.",
        tag=TAG,
        handler=create_report,
        scope=Scope.ADMIN_WRITE,
        request=ReportRequest,
        request_examples={"week": EXAMPLE},
        responses={201: Media(body=SavedReport, headers=("Location",))},
        problems=("conflict", "too_many_queries", "unknown_timezone"),
    ),
    Operation(
        method="PUT",
        path="/v1/reports/{report_id}",
        operation_id="replaceReport",
        summary="Replace a report",
        description="The questions and the schedule from now on. Runs stay as they are.",
        tag=TAG,
        handler=replace_report,
        scope=Scope.ADMIN_WRITE,
        path_params=ReportPath,
        request=ReportRequest,
        request_examples={"week": EXAMPLE},
        responses={200: SavedReport},
        problems=("too_many_queries", "unknown_timezone"),
    ),
    Operation(
        method="POST",
        path="/v1/reports/{report_id}/runs",
        operation_id="runReport",
        repeats="keyed",
        cost=10,
        summary="Run a report",
        description="Asks all questions in one snapshot and keeps the answers. A question that "
        "cannot be answered carries its problem, and the others their answers. Each change of a "
        "whole that is no chance is split by the dimensions of `explain`. Groups too small to be "
        "shown stay hidden from every key.",
        tag=TAG,
        handler=run_report,
        scope=Scope.REPORTS_READ,
        path_params=ReportPath,
        responses={201: Media(body=ReportRun, headers=("Location",))},
        problems=("too_many_queries", "range_too_long"),
    ),
    Operation(
        method="DELETE",
        path="/v1/reports/{report_id}/runs/{run_id}",
        operation_id="deleteReportRun",
        summary="Delete a run",
        description="The run is gone; the report and its other runs stay.",
        tag=TAG,
        handler=delete_run,
        scope=Scope.ADMIN_WRITE,
        path_params=RunPath,
        responses={204: None},
    ),
    Operation(
        method="DELETE",
        path="/v1/reports/{report_id}",
        operation_id="deleteReport",
        summary="Delete a report",
        description="The report is gone, and all its runs with it.",
        tag=TAG,
        handler=delete_report,
        scope=Scope.ADMIN_WRITE,
        path_params=ReportPath,
        responses={204: None},
    ),
]

OPERATIONS = [*READING, *RUN, *WRITING]
