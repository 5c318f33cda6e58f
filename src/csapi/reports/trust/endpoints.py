"""The trust report: the endpoint."""

from collections.abc import Iterator
from typing import Any

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.reports.encoders import CSV, table_or_json
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.ranges import RangeParams
from csapi.reports.trust.scan import LONGEST_QUALITY_DAYS, data_quality
from csapi.reports.trust.schemas import DataQuality

TABLE_FORM = (
    "A line for each check: id, label, severity, count, of, share, both limits, metric, and "
    "examples as resource/id; then a line for each vanity warning, with its rule as label."
)
HEADER = [
    "row", "id", "label", "severity", "count", "of", "share", "notice_above", "warning_above",
    "metric", "examples",
]  # fmt: skip


def lines(found: DataQuality) -> Iterator[list[Any]]:
    yield HEADER
    for check in found.checks:
        numbers = [check.count, check.of, check.share, check.notice_above, check.warning_above]
        examples = " ".join(f"{each.resource}/{each.id}" for each in check.examples)
        head = ["check", check.id.value, check.label, check.severity.value]
        yield [*head, *numbers, check.metric, examples]
    for each in found.vanity:
        yield ["vanity", each.id.value, each.rule, "notice", *[None] * 5, each.metric, None]


async def get_data_quality(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, RangeParams)
    desk = desk_of(request, principal)
    found = await data_quality(desk, wanted)
    return table_or_json(found, lines(found), request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/data-quality",
        operation_id="getDataQuality",
        summary="Whether the data can carry the numbers",
        description="What came late, twice, out of order or not at all; durations that cannot be; "
        "what has no topic, agent or customer; machines that count as people; numbers that mislead "
        "by themselves; and what the nightly verification found. Each check with its limits, "
        "examples and a remedy. The last 30 days if no range is named, at most "
        f"{LONGEST_QUALITY_DAYS}.",
        tag=QUERY_TAG,
        handler=get_data_quality,
        scope=Scope.REPORTS_READ,
        params=RangeParams,
        responses={200: Media(body=DataQuality, texts={CSV: TABLE_FORM})},
        problems=("query_timeout", "too_many_queries", "unknown_timezone"),
    ),
]
