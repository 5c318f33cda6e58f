"""POST /v1/query/records: what is behind a number."""

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, body_of
from csapi.reports.encoders import CSV, NDJSON
from csapi.reports.endpoints import EXAMPLE, QUERY_TAG, SPOKEN, desk_of
from csapi.reports.records import records
from csapi.reports.records_encoders import RECORDS_CSV_FORM, RECORDS_NDJSON_FORM, encoded_records
from csapi.reports.records_schemas import RecordsAnswer, RecordsQuery

DAY_EXAMPLE = {
    "metrics": [{"id": "service_level", "params": {"threshold_seconds": 20}}],
    "time": EXAMPLE["time"],
    "dimensions": ["time:day", "queue"],
    "cell": {"time:day": "2026-01-05", "queue": "q1"},
}
OTHER_EXAMPLE = {
    "metrics": [{"id": "calls_offered"}],
    "time": EXAMPLE["time"],
    "dimensions": ["time:day", "queue"],
    "cell": {"time:day": "2026-01-05"},
    "other_than": [{"queue": "q1"}, {"queue": None}],
    "include": ["excluded"],
    "limit": 1000,
}


async def query_records(request: AnyRequest, principal: Principal) -> Response:
    asked = await body_of(request, RecordsQuery)
    desk = desk_of(request, principal)
    found = await records(desk, asked)
    return encoded_records(found, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/query/records",
        operation_id="queryRecords",
        repeats="harmless",
        budget="read",
        summary="List the records behind a number",
        description="The question of POST /v1/query with one metric, and one cell of its answer: "
        "the value of the cell and the records that it is made of, each with what it contributes. "
        "Contributions of all pages add up to the value; of a shortest or longest time the records "
        "that caused it are listed; of different tickets or customers each once; of a stock what "
        "is in it; of a cohort everyone in it. A formula over metrics has no list. Value and "
        "records are read from one snapshot.",
        tag=QUERY_TAG,
        handler=query_records,
        scope=Scope.RECORDS_READ,
        request=RecordsQuery,
        request_examples={"one_day_of_a_queue": DAY_EXAMPLE, "all_other_queues": OTHER_EXAMPLE},
        responses={
            200: Media(
                body=RecordsAnswer,
                texts={CSV: RECORDS_CSV_FORM, NDJSON: RECORDS_NDJSON_FORM},
                headers=(*SPOKEN, "X-Next-Cursor"),
            )
        },
        problems=("invalid_cursor", "snapshot_moved", "query_timeout"),
    )
]
