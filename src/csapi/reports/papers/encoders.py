"""Papers as answers: which kind a request asks for, and made beside the event loop, one of a tenant
at a time."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import msgspec
from litestar.datastructures.headers import Accept

from csapi.access.principals import Principal
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response
from csapi.kit.language import Language, spoken
from csapi.kit.operations import AnyRequest
from csapi.kit.problems import Problem
from csapi.kit.turns import far_aside
from csapi.reports.encoders import BY_ACCEPT, CSV, JSON
from csapi.reports.papers.press import Order, PressError, pressed

log = logging.getLogger(__name__)

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDINGS = {PDF: "pdf", XLSX: "xlsx"}
PAPER_FORMS = {
    PDF: "The same as a paper, in the language of the request.",
    XLSX: "The same as a spreadsheet: numbers as numbers, a sheet for each table.",
}
# For those of other tenants that come first.
WAITS_SECONDS = 60
NAME = "SELECT name FROM tenants WHERE tenant_id = $1"


def paper_type(accept: str | None, others: tuple[str, ...] = (JSON, CSV)) -> str | None:
    """The kind of paper that a request prefers to `others`; None where it does not."""
    if accept is None:
        return None
    found = Accept(accept).best_match([*others, *ENDINGS])
    return found if found in ENDINGS else None


async def tenant_name(request: AnyRequest, principal: Principal) -> str:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        name: str | None = await connection.fetchval(NAME, principal.tenant_id)
    return name or ""


def file_of(work: Callable[[], Order]) -> bytes:
    """The file for what `work` orders. Raises Problem: too large, or too long to make."""
    order = msgspec.json.encode(work())
    try:
        return pressed(order)
    except PressError as error:
        if not error.was_ended:
            raise
        log.warning("no file: %s", error)
        message = "It took too long or too much to be made: ask for it as CSV, or for less."
        raise Problem("overloaded", message) from None


async def paper_response(
    request: AnyRequest,
    principal: Principal,
    work: Callable[[], Order],
    media_type: str,
    name: str,
    language: Language,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The file that `work` orders, under that name. Raises Problem: too many at once."""
    try:
        async with (
            asyncio.timeout(WAITS_SECONDS),
            request.app.state.paper_lanes.enter(principal.tenant_id),
        ):
            content = await far_aside(file_of, work)
    except TimeoutError:
        raise Problem("overloaded", "Too many papers wait to be set.") from None
    told = spoken(language, BY_ACCEPT) | dict(headers or {})
    told["content-disposition"] = f'attachment; filename="{name}.{ENDINGS[media_type]}"'
    return Response(content, media_type=media_type, headers=told)
