"""Drivers: the endpoints."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.reports.drivers.encoders import ONE_FORM, TABLE_FORM, encoded_list, encoded_one
from csapi.reports.drivers.examples import DETAIL_EXAMPLE, LIST_EXAMPLE
from csapi.reports.drivers.one import driver
from csapi.reports.drivers.params import DriversParams, OneDriverParams
from csapi.reports.drivers.schemas import DriverDetail, DriverList
from csapi.reports.drivers.table import drivers
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, desk_of


class DriverPath(msgspec.Struct, kw_only=True):
    driver_id: Annotated[
        str, Meta(description="Key of the topic, with `~0` for `~` and `~1` for `/`")
    ]


async def list_drivers(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, DriversParams)
    desk = desk_of(request, principal)
    found = await drivers(desk, wanted)
    return encoded_list(found, request.headers.get("accept"), desk.language)


async def get_driver(request: AnyRequest, principal: Principal) -> Response:
    wanted, driver_id = params_of(request, OneDriverParams), path_of(request, DriverPath).driver_id
    desk = desk_of(request, principal)
    found, split = await driver(desk, driver_id, wanted)
    return encoded_one(found, split, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/drivers",
        operation_id="getDrivers",
        summary="What people turn to us about",
        description="The top topics by severity, a published sum whose parts are shown, with "
        "contacts, customers, dissatisfaction, handling time and cost, growth since the range "
        "before, trend, season and the responsible department. `untagged` is always there. "
        "`view=automation_candidates` sorts by what a machine might take over.",
        tag=QUERY_TAG,
        handler=list_drivers,
        scope=Scope.REPORTS_READ,
        unfiltered=True,
        params=DriversParams,
        responses={
            200: Media(body=DriverList, texts={CSV: TABLE_FORM}, example=LIST_EXAMPLE),
        },
        problems=("query_timeout", "too_many_queries", "range_too_long"),
    ),
    Operation(
        method="GET",
        path="/v1/drivers/{driver_id}",
        operation_id="getDriver",
        summary="One topic, and what it is made of",
        description="A topic with its numbers, its weeks, and with `by` split by the members of a "
        "dimension, each compared with the range before.",
        tag=QUERY_TAG,
        handler=get_driver,
        scope=Scope.REPORTS_READ,
        unfiltered=True,
        params=OneDriverParams,
        path_params=DriverPath,
        responses={
            200: Media(body=DriverDetail, texts={CSV: ONE_FORM}, example=DETAIL_EXAMPLE),
        },
        problems=("query_timeout", "too_many_queries", "range_too_long"),
    ),
]
