"""GET /errors and GET /errors/{code}: what the `type` of a problem leads to."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, path_of
from csapi.kit.problem_types import PROBLEMS
from csapi.kit.problems import Problem

TAG = "Errors"
TAG_DESCRIPTION = "Every error is an RFC 9457 problem. Its `type` leads here."


class ErrorType(msgspec.Struct, frozen=True, kw_only=True):
    """What an error code means."""

    type: Annotated[str, Meta(description="The `type` of the problem")]
    code: Annotated[str, Meta(description="The `code` of the problem or of one of its errors")]
    status: Annotated[int, Meta(description="HTTP status, when it is about the whole request")]
    title: str
    description: Annotated[str, Meta(description="What it means and what to do")]


class ErrorTypeList(msgspec.Struct, frozen=True, kw_only=True):
    """All error codes."""

    data: list[ErrorType]


class ErrorPath(msgspec.Struct, frozen=True, kw_only=True):
    code: Annotated[str, Meta(description="The error code")]


def _error_type(code: str) -> ErrorType:
    kind = PROBLEMS[code]
    return ErrorType(
        type=f"/errors/{code}",
        code=code,
        status=kind.status,
        title=kind.title,
        description=kind.description,
    )


async def list_error_types(request: AnyRequest, principal: Any) -> Response:
    del request, principal
    return json_response(ErrorTypeList(data=[_error_type(code) for code in PROBLEMS]))


async def get_error_type(request: AnyRequest, principal: Any) -> Response:
    del principal
    code = path_of(request, ErrorPath).code
    if code not in PROBLEMS:
        raise Problem("not_found", "There is no such error code.")
    return json_response(_error_type(code))


ERROR_OPERATIONS = (
    Operation(
        method="GET",
        path="/errors",
        operation_id="listErrorTypes",
        summary="List the error codes",
        description="Every code that a problem or one of its errors can have.",
        tag=TAG,
        public=True,
        handler=list_error_types,
        responses={200: ErrorTypeList},
    ),
    Operation(
        method="GET",
        path="/errors/{code}",
        operation_id="getErrorType",
        summary="Explain an error code",
        description="The page that the `type` of a problem leads to.",
        tag=TAG,
        public=True,
        path_params=ErrorPath,
        handler=get_error_type,
        responses={200: ErrorType},
    ),
)
