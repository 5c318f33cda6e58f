"""What can be asked of evaluations, as query parameters."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.reports.ordering import Name
from csapi.reports.pages import Cursor
from csapi.reports.schemas import MOST_METRICS
from csapi.reports.work_params import Values, WorkParams


class EvaluationsParams(WorkParams, kw_only=True):
    """Which agents, by which numbers, in which order."""

    team: Annotated[Values, Meta(description="Work in these teams, and their members")] = (
        msgspec.field(default_factory=list)
    )
    columns: Annotated[
        Annotated[list[Name], Meta(max_length=MOST_METRICS)],
        Meta(description="Ids of metrics, in their order; a choice for first screens if absent"),
    ] = msgspec.field(default_factory=list)
    sort: Annotated[
        Name,
        Meta(
            description="`agent`, `name`, `composite` or a column, which sorts by `rank_value`; a "
            "column with `.value` or `.n` by that. With `-` in front the largest first. Null is "
            "last either way"
        ),
    ] = "agent"
    weight: Annotated[
        Annotated[list[Name], Meta(max_length=MOST_METRICS)],
        Meta(description="column:weight, such as `csat_score:2`, for a composite of columns"),
    ] = msgspec.field(default_factory=list)
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None
