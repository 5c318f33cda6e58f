"""Reports and their runs on the wire."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.kit.language import Language
from csapi.kit.problems import FieldError
from csapi.kit.quantities import UtcDatetime
from csapi.reports.change_schemas import ChangeAnswer
from csapi.reports.ordering import Name
from csapi.reports.schemas import Query, QueryAnswer

MOST_REPORTS, MOST_SECTIONS, MOST_SPLITS, MOST_EXPLAINED = 200, 20, 3, 40
MOST_RUNS, MOST_RUN_BYTES = 1_000, 16 * 1024 * 1024

Title = Annotated[str, Meta(min_length=1, max_length=200)]


class ReportEvery(StrEnum):
    """How often a report runs by itself."""

    day = "day"
    week = "week"
    month = "month"


class ReportSchedule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """When a report runs by itself, by the clock of its zone. `weekday`, of every week alone: 1 is
    Monday. `day`, of every month alone: at most 28, which every month has."""

    every: ReportEvery
    at: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "06:00"
    weekday: Annotated[int, Meta(ge=1, le=7)] | None = None
    day: Annotated[int, Meta(ge=1, le=28)] | None = None


class ReportSection(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A question of a report. `explain`: split each significant change of a whole by these
    dimensions, one at a time; the query needs a comparison."""

    name: Name
    query: Query
    title: Title | None = None
    explain: Annotated[list[Name], Meta(max_length=MOST_SPLITS)] = []


class ReportRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A set of questions that are asked together. `timezone`: of the questions that name none and
    of the schedule; the tenant's if absent. `language`: of the labels in its runs."""

    name: Title
    sections: Annotated[list[ReportSection], Meta(min_length=1, max_length=MOST_SECTIONS)]
    description: Annotated[str, Meta(max_length=2_000)] | None = None
    timezone: str | None = None
    language: Language = Language.en
    schedule: ReportSchedule | None = None


class SavedReport(msgspec.Struct, kw_only=True):
    """A report. `next_run_at`: when its schedule asks next."""

    id: str
    report: ReportRequest
    next_run_at: UtcDatetime | None
    created_at: UtcDatetime
    updated_at: UtcDatetime


class ReportList(msgspec.Struct, kw_only=True):
    """All reports, the newest first."""

    data: list[SavedReport]


class RunTrigger(StrEnum):
    """What started a run."""

    request = "request"
    schedule = "schedule"


class RunProblem(msgspec.Struct, kw_only=True):
    """Why there is no answer. `code` as in problems."""

    code: str
    detail: str
    errors: list[FieldError]


class Explanation(msgspec.Struct, kw_only=True):
    """A significant change of a metric over the whole, split by the members of `by`."""

    metric: str
    by: str
    answer: ChangeAnswer | None
    problem: RunProblem | None


class RunSection(msgspec.Struct, kw_only=True):
    """A question and what it was answered. Versions of the definitions are in `answer.meta`.
    `unexplained`: so many splits were left out, since a run has at most 40."""

    name: str
    title: str | None
    query: Query
    answer: QueryAnswer | None
    problem: RunProblem | None
    explanations: list[Explanation]
    unexplained: int


class ReportRun(msgspec.Struct, kw_only=True):
    """The answers of a report at an instant, from one snapshot. A run never changes, whatever
    becomes of the records. `as_of`: presets such as last_7_days are seen from there, in `timezone`;
    of a schedule it is the time that was planned."""

    id: str
    report_id: str
    name: str
    description: str | None
    timezone: str
    language: Language
    trigger: RunTrigger
    as_of: UtcDatetime
    created_at: UtcDatetime
    sections: list[RunSection]


class RunSummary(msgspec.Struct, kw_only=True):
    """A run in a list. `failed`: so many sections have no answer."""

    id: str
    trigger: RunTrigger
    as_of: UtcDatetime
    created_at: UtcDatetime
    sections: int
    failed: int


class RunList(msgspec.Struct, kw_only=True):
    """Runs of a report, the newest first. The latest 1,000 are kept."""

    data: list[RunSummary]


class ReportPath(msgspec.Struct, kw_only=True):
    report_id: Annotated[UUID, Meta(description="Id of the report")]


class RunPath(ReportPath, kw_only=True):
    run_id: Annotated[UUID, Meta(description="Id of the run")]


class SectionPath(RunPath, kw_only=True):
    name: Annotated[str, Meta(description="Name of the section")]
