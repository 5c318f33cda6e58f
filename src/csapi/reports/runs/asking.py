"""The questions of a report, all asked in one snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET

from csapi.kit.problems import Problem, pointer
from csapi.reports.change import explained, whole_query
from csapi.reports.change_schemas import ChangeQuery, ChangeTop
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.refusals import refuse, within
from csapi.reports.runs.schemas import (
    MOST_EXPLAINED,
    MOST_RUN_BYTES,
    Explanation,
    ReportEvery,
    ReportRequest,
    ReportRun,
    ReportSection,
    RunProblem,
    RunSection,
    RunTrigger,
)
from csapi.reports.savepoints import problem_of, set_savepoint
from csapi.reports.schemas import Include, MetricValue, Query, QueryAnswer
from csapi.reports.service import Desk, Snapshot, answer_on, resolved, snapshot_of

NAME_RUN = "SELECT uuidv7(), clock_timestamp()"

# How many members of a split are told; the rest is one.
SHOWN = 10
CUT = "there are more rows than `limit`: those beyond it are not part of this run"


@dataclass(slots=True)
class Budget:
    """How many more splits a run may have."""

    left: int = MOST_EXPLAINED


def query_of(report: ReportRequest, section: ReportSection) -> Query:
    """The section's question in the report's zone, with the totals that are to be explained."""
    query = section.query
    if query.time.timezone is None:
        time = msgspec.structs.replace(query.time, timezone=report.timezone)
        query = msgspec.structs.replace(query, time=time)
    if section.explain and query.dimensions and Include.totals not in query.include:
        query = msgspec.structs.replace(query, include=[*query.include, Include.totals])
    return query


async def check_report(desk: Desk, report: ReportRequest) -> None:
    """Whether all of it could be asked now. Raises Problem with the places that are wrong."""
    check_schedule(report)
    names: set[str] = set()
    async with snapshot_of(desk) as snapshot:
        for number, section in enumerate(report.sections):
            place = pointer("sections", number)
            if section.name in names:
                refuse(f"{place}/name", "invalid_value", "Another section has this name.")
            names.add(section.name)
            await check_section(snapshot, report, section, place)


def check_schedule(report: ReportRequest) -> None:
    schedule = report.schedule
    if schedule is None:
        return
    if schedule.weekday is not None and schedule.every is not ReportEvery.week:
        refuse("/schedule/weekday", "invalid_value", "Only what runs every week has a weekday.")
    if schedule.day is not None and schedule.every is not ReportEvery.month:
        refuse("/schedule/day", "invalid_value", "Only what runs every month has a day.")


async def check_section(
    snapshot: Snapshot, report: ReportRequest, section: ReportSection, place: str
) -> None:
    if section.query.cursor is not None:
        refuse(f"{place}/query/cursor", "not_supported", "A report has no pages: raise `limit`.")
    if section.explain and section.query.compare is None:
        refuse(f"{place}/explain", "not_supported", "Without a comparison there is no change.")
    query = query_of(report, section)
    try:
        check_rows(query, (await resolved(snapshot, query)).question)
    except Problem as problem:
        raise within(problem, f"{place}/query") from None
    for number, dimension in enumerate(section.explain):
        split = msgspec.structs.replace(
            query, dimensions=[dimension], top=None, order_by=[], having=[]
        )
        try:
            await resolved(snapshot, split)
        except Problem as problem:
            raise about_split(problem, f"{place}/explain/{number}") from None


def about_split(problem: Problem, place: str) -> Problem:
    errors = [msgspec.structs.replace(each, pointer=place) for each in problem.errors]
    return Problem(problem.code, problem.detail, errors=errors)


async def ask_report(
    desk: Desk, report_id: UUID, report: ReportRequest, trigger: RunTrigger
) -> tuple[ReportRun, bytes]:
    """A run, and its JSON. desk.now is what presets are seen from. Raises Problem: too large.

    Every key that reads reports reads runs: groups that are too small to be shown stay hidden,
    whoever asks.
    """
    desk = replace(desk, sees_everything=False, names_customers=False, language=report.language)
    budget = Budget()
    async with snapshot_of(desk) as snapshot:
        await set_savepoint(snapshot)
        run_id, created_at = await snapshot.connection.fetchrow(NAME_RUN)
        sections = [await ask_section(snapshot, report, each, budget) for each in report.sections]
    run = ReportRun(
        id=str(run_id),
        report_id=str(report_id),
        name=report.name,
        description=report.description,
        timezone=report.timezone or desk.timezone,
        language=report.language,
        trigger=trigger,
        as_of=desk.now,
        created_at=created_at,
        sections=sections,
    )
    content = msgspec.json.encode(run)
    if len(content) > MOST_RUN_BYTES:
        raise Problem(
            "range_too_long",
            f"The run would be larger than {MOST_RUN_BYTES // (1024 * 1024)} MiB: ask for fewer "
            "rows, shorter ranges or fewer dimensions, or split the report.",
        )
    return run, content


def unanswered(section: ReportSection, problem: RunProblem | None = None) -> RunSection:
    return RunSection(
        name=section.name,
        title=section.title,
        query=section.query,
        answer=None,
        problem=problem,
        explanations=[],
        unexplained=0,
    )


async def ask_section(
    snapshot: Snapshot, report: ReportRequest, section: ReportSection, budget: Budget
) -> RunSection:
    query = query_of(report, section)
    found = unanswered(section)
    try:
        found.answer = await answer_on(snapshot, query)
    except (Problem, asyncpg.PostgresError) as error:
        found.problem = await problem_told(snapshot, error)
        return found
    if found.answer.page.next_cursor is not None:
        found.answer.page.next_cursor = None
        found.answer.meta.warnings.append(CUT)
    for metric in significant(query, found.answer):
        for dimension in section.explain:
            if budget.left == 0:
                found.unexplained += 1
                continue
            budget.left -= 1
            found.explanations.append(await explanation(snapshot, query, metric, dimension))
    return found


async def problem_told(snapshot: Snapshot, error: Problem | asyncpg.PostgresError) -> RunProblem:
    return told(await problem_of(snapshot, error))


def told(problem: Problem) -> RunProblem:
    return RunProblem(code=problem.code, detail=problem.detail, errors=problem.errors)


def wholes(query: Query, answer: QueryAnswer) -> dict[str, MetricValue]:
    if query.dimensions or answer.totals is not None:
        return answer.totals or {}
    return answer.data[0].metrics if answer.data else {}


def significant(query: Query, answer: QueryAnswer) -> Iterator[int]:
    """The places of the metrics whose whole changed beyond chance."""
    cells = wholes(query, answer)
    for number, metric in enumerate(query.metrics):
        cell = cells.get(metric.as_ or metric.id)
        if cell is not None and cell.compare is not UNSET and cell.compare.significant:
            yield number


async def explanation(snapshot: Snapshot, query: Query, metric: int, dimension: str) -> Explanation:
    asked = query.metrics[metric]
    found = Explanation(metric=asked.as_ or asked.id, by=dimension, answer=None, problem=None)
    if query.compare is None:
        raise AssertionError(query)
    wanted = ChangeQuery(
        metrics=[asked],
        time=query.time,
        compare=query.compare,
        by=[dimension],
        filters=query.filters,
        top=ChangeTop(n=SHOWN),
    )
    try:
        found.answer = await explained(snapshot, wanted, whole_query(wanted))
    except (Problem, asyncpg.PostgresError) as error:
        found.problem = await problem_told(snapshot, error)
    return found
