"""Why did it change: the endpoint."""

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response, json_response
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, body_of
from csapi.reports.change import explain_change
from csapi.reports.change_schemas import ChangeAnswer, ChangeQuery
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of

EXAMPLE = {
    "metrics": [{"id": "full_resolution_time"}],
    "time": {"range": {"from": "2026-02-01", "to": "2026-03-01"}},
    "compare": {"to": "previous_period"},
    "by": ["channel"],
    "top": {"n": 5, "other": True},
}


async def run_explain_change(request: AnyRequest, principal: Principal) -> Response:
    asked = await body_of(request, ChangeQuery)
    desk = desk_of(request, principal)
    return json_response(await explain_change(desk, asked), headers=spoken(desk.language))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/query/explain-change",
        operation_id="explainChange",
        repeats="harmless",
        budget="read",
        cost=5,
        summary="Explain why a number changed",
        description="The change of one metric between two sides, split exactly by the members of "
        "`by`: because their own numbers changed (rate), because their shares did (mix), or "
        "because they came or went. The largest contributions come first; all add up to the "
        "change. For counts, sums, shares, means and stocks.",
        tag=QUERY_TAG,
        handler=run_explain_change,
        scope=Scope.REPORTS_READ,
        request=ChangeQuery,
        request_examples={"resolution_time_by_channel": EXAMPLE},
        responses={200: Media(body=ChangeAnswer, headers=SPOKEN)},
        problems=("query_timeout",),
    ),
]
