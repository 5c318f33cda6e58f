"""Action plans and what agents suggest, on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.kit.quantities import UtcDatetime
from csapi.reports.pages import Cursor
from csapi.reports.schemas import FilterNode, MetricRequest, QueryPage
from csapi.reports.uplift.schemas import MOST_WEEKS_AFTER, MOST_WEEKS_BEFORE, Measured

MOST_PLANS, MOST_STEPS, MOST_SUGGESTIONS = 500, 50, 500
LONGEST_TITLE, LONGEST_WORDS, LONGEST_SUGGESTION = 200, 4_000, 4_000

Title = Annotated[str, Meta(min_length=1, max_length=LONGEST_TITLE)]
Words = Annotated[str, Meta(max_length=LONGEST_WORDS)]
Owner = Annotated[str, Meta(min_length=1, max_length=LONGEST_TITLE)]


class PlanStatus(StrEnum):
    """How far a plan is. done and abandoned are ends."""

    draft = "draft"
    running = "running"
    done = "done"
    abandoned = "abandoned"


class StepStatus(StrEnum):
    """How far a step is."""

    open = "open"
    in_progress = "in_progress"
    done = "done"
    dropped = "dropped"


class PlanStep(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something to do: by whom, and by when."""

    title: Title
    owner: Owner | None = None
    due_on: date | None = None
    status: StepStatus = StepStatus.open
    note: Words | None = None


class ComparedWith(StrEnum):
    """What the records that a plan is about are held against. rest: all others. segment: those of
    `filters`. seasonal: nobody; their own past alone."""

    rest = "rest"
    segment = "segment"
    seasonal = "seasonal"


class PlanComparison(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who was not part of the plan. `filters` belong to `segment` alone."""

    to: ComparedWith = ComparedWith.seasonal
    filters: FilterNode | None = None


class PlanAim(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the plan is to change: a metric, of the records that pass `filters` (all if absent)."""

    metric: MetricRequest
    filters: FilterNode | None = None
    compare: PlanComparison = msgspec.field(default_factory=PlanComparison)


class RunReference(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A run of a report that gave rise to the plan."""

    report_id: UUID
    run_id: UUID


class NewPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A plan. `starts_on`: the first local day on which it is in effect; `ends_on`: the first on
    which it no longer is. Both are what its effect is measured by."""

    title: Title
    hypothesis: Words | None = None
    aim: PlanAim
    starts_on: date | None = None
    ends_on: date | None = None
    steps: Annotated[list[PlanStep], Meta(max_length=MOST_STEPS)] = []
    owner: Owner | None = None
    resources: Words | None = None
    goal_id: UUID | None = None
    report_run: RunReference | None = None
    status: PlanStatus = PlanStatus.draft


class PlanChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes: what is absent stays, null clears. `steps` are replaced whole."""

    title: Title | UnsetType = UNSET
    hypothesis: Words | UnsetType | None = UNSET
    aim: PlanAim | UnsetType = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    steps: Annotated[list[PlanStep], Meta(max_length=MOST_STEPS)] | UnsetType = UNSET
    owner: Owner | UnsetType | None = UNSET
    resources: Words | UnsetType | None = UNSET
    goal_id: UUID | UnsetType | None = UNSET
    report_run: RunReference | UnsetType | None = UNSET
    status: PlanStatus | UnsetType = UNSET


class ActionPlan(msgspec.Struct, kw_only=True):
    """A plan as it is now. `closed_at`: when it was done or abandoned. `suggestion_id`: the words
    of an agent that it came from."""

    id: str
    plan: NewPlan
    suggestion_id: str | None
    steps_done: int
    steps_late: int
    created_at: UtcDatetime
    updated_at: UtcDatetime
    closed_at: UtcDatetime | None


class PlanEffect(Measured, kw_only=True):
    """What a plan changed in the metric that it is about, from its first day on."""

    plan_id: str
    compare: ComparedWith
    starts_on: date | None
    ends_on: date | None


class EffectParams(msgspec.Struct, kw_only=True):
    """Over which weeks."""

    weeks_before: Annotated[
        int, Meta(ge=6, le=MOST_WEEKS_BEFORE, description="Whole weeks before it")
    ] = 12
    weeks_after: Annotated[
        int, Meta(ge=1, le=MOST_WEEKS_AFTER, description="Whole weeks of it, at most")
    ] = 8


class ActionPlanPage(msgspec.Struct, kw_only=True):
    """Plans, the newest first."""

    data: list[ActionPlan]
    page: QueryPage


class PlanPath(msgspec.Struct, kw_only=True):
    plan_id: Annotated[UUID, Meta(description="Our id of the plan")]


class PlanParams(msgspec.Struct, kw_only=True):
    """Which plans."""

    status: Annotated[PlanStatus | None, Meta(description="Of this status alone")] = None
    goal_id: Annotated[UUID | None, Meta(description="Of this goal alone")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class SuggestionKind(StrEnum):
    """What an agent says: what stands in the way, or what might help."""

    challenge = "challenge"
    suggestion = "suggestion"


class SuggestionStatus(StrEnum):
    """What became of it. planned: a plan came of it."""

    open = "open"
    planned = "planned"
    declined = "declined"


class NewSuggestion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An agent's words."""

    kind: SuggestionKind
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_SUGGESTION)]


class SuggestionChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a manager says to it. `open` takes a refusal back."""

    status: SuggestionStatus
    reply: Annotated[str, Meta(min_length=1, max_length=LONGEST_SUGGESTION)] | None = None


class Suggestion(msgspec.Struct, kw_only=True):
    """An agent's words, and what became of them."""

    id: str
    agent_id: str
    kind: SuggestionKind
    text: str
    status: SuggestionStatus
    reply: str | None
    plan_id: str | None
    created_at: UtcDatetime
    updated_at: UtcDatetime


class SuggestionPage(msgspec.Struct, kw_only=True):
    """What agents have said, the newest first."""

    data: list[Suggestion]
    page: QueryPage


class SuggestionPath(msgspec.Struct, kw_only=True):
    suggestion_id: Annotated[UUID, Meta(description="Our id of the suggestion")]


class OwnSuggestionParams(msgspec.Struct, kw_only=True):
    """Which of them."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class SuggestionParams(msgspec.Struct, kw_only=True):
    """Which of them."""

    agent_id: Annotated[UUID | None, Meta(description="Of this agent alone")] = None
    kind: Annotated[SuggestionKind | None, Meta(description="Of this kind alone")] = None
    status: Annotated[SuggestionStatus | None, Meta(description="Of this status alone")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None
