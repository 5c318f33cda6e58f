"""Staffing: the endpoints."""

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of
from csapi.reports.staffing.diagnosis import diagnose
from csapi.reports.staffing.diagnosis_schemas import Diagnosis, DiagnosisParams
from csapi.reports.staffing.encoders import (
    DIAGNOSIS_FORM,
    FORECAST_FORM,
    WHAT_IF_FORM,
    encoded_diagnosis,
    encoded_forecast,
    encoded_what_if,
)
from csapi.reports.staffing.forecast import forecast
from csapi.reports.staffing.forecast_schemas import Forecast, ForecastParams
from csapi.reports.staffing.what_if import what_if
from csapi.reports.staffing.what_if_schemas import WhatIf, WhatIfAnswer
from csapi.reports.work_params import told_by_parameter

EXAMPLES = {
    "more_calls_and_two_agents_fewer": {
        "time": {"range": {"preset": "last_90_days"}, "timezone": "Europe/Berlin"},
        "interval": "30min",
        "channels": [
            {
                "channel": "phone",
                "filters": {"dimension": "queue", "op": "in", "values": ["general"]},
                "targets": {"service_level": 0.8, "within_seconds": 20, "max_occupancy": 0.85},
                "change": {"arrivals": 0.2, "handle_seconds": -30, "agents": -2},
            }
        ],
    },
    "as_a_calculator": {
        "interval": "30min",
        "channels": [
            {
                "model": "erlang_c",
                "targets": {"within_seconds": 30, "max_occupancy": None},
                "given": {"arrivals": 200, "handle_seconds": 240, "agents": 30},
            }
        ],
    },
    "chat_and_mail": {
        "channels": [
            {"channel": "chat", "given": {"concurrency": 3, "stretch": 0.15}},
            {
                "channel": "email",
                "targets": {"service_level": 0.95, "within_seconds": 14400},
                "working_hours": [{"day": "monday", "from": "08:00", "to": "18:00"}],
            },
        ]
    },
}
PROBLEMS = ("query_timeout", "too_many_queries")


async def run_what_if(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, WhatIf)
    desk = desk_of(request, principal)
    found = await what_if(desk, wanted)
    return encoded_what_if(found, request.headers.get("accept"), desk.language)


async def get_forecast(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, ForecastParams)
    desk = desk_of(request, principal)
    with told_by_parameter("/channel"):
        found = await forecast(desk, wanted)
    return encoded_forecast(found, request.headers.get("accept"), desk.language)


async def get_diagnosis(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, DiagnosisParams)
    desk = desk_of(request, principal)
    with told_by_parameter("/channel"):
        found = await diagnose(desk, wanted)
    return encoded_diagnosis(found, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/staffing/what-if",
        operation_id="runWhatIf",
        repeats="harmless",
        budget="read",
        cost=5,
        summary="How many agents the work needs, as it is and as it would be",
        description="A week of each channel from the tenant's own arrivals, handle time, patience, "
        "shrinkage and cost: by interval the agents required for the targets, and what comes of "
        "those who were there. Each number can be given, or changed. Calls by Erlang C, or A where "
        "patience is known; chat with several at a time; e-mail as work that may wait.",
        tag=QUERY_TAG,
        handler=run_what_if,
        scope=Scope.REPORTS_READ,
        request=WhatIf,
        request_examples=EXAMPLES,
        responses={200: Media(body=WhatIfAnswer, texts={CSV: WHAT_IF_FORM}, headers=SPOKEN)},
        problems=PROBLEMS,
    ),
    Operation(
        method="GET",
        path="/v1/staffing/forecast",
        operation_id="getStaffingForecast",
        summary="How many contacts will come, and who is required for them",
        description="By interval for the days ahead, with bands of 80 and 95 percent: a level that "
        "follows, times weekday and interval, with holidays and annotated seasons and campaigns. "
        "Backtested in the answer against seasonal naive, which is what is answered where the "
        "model is no better.",
        tag=QUERY_TAG,
        handler=get_forecast,
        scope=Scope.REPORTS_READ,
        params=ForecastParams,
        responses={200: Media(body=Forecast, texts={CSV: FORECAST_FORM}, headers=SPOKEN)},
        problems=PROBLEMS,
    ),
    Operation(
        method="GET",
        path="/v1/staffing/diagnosis",
        operation_id="getStaffingDiagnosis",
        summary="Too few people, or bad distribution",
        description="Agents required for what came against those who were there, interval by "
        "interval; how evenly they were busy; a verdict by a published rule with the numbers that "
        "it hangs on; and the busiest hours of the week.",
        tag=QUERY_TAG,
        handler=get_diagnosis,
        scope=Scope.REPORTS_READ,
        params=DiagnosisParams,
        responses={200: Media(body=Diagnosis, texts={CSV: DIAGNOSIS_FORM}, headers=SPOKEN)},
        problems=PROBLEMS,
    ),
]
