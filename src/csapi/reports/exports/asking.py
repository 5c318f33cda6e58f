"""Whether a file may be asked for, and could be made."""

from csapi.access.principals import Principal, Scope
from csapi.kit.operations import AnyRequest
from csapi.kit.problems import Problem
from csapi.reports.endpoints import desk_of
from csapi.reports.exports.schemas import ExportFormat, ExportRequest
from csapi.reports.exports.sources import bounds_of, filtered
from csapi.reports.ordering import Shape
from csapi.reports.refusals import refuse, within
from csapi.reports.saved import check_query
from csapi.reports.service import snapshot_of

# All data of a tenant is more than any report shows: names, texts, costs and what is settled.
OF_ARCHIVES = frozenset({Scope.ADMIN_WRITE, Scope.RECORDS_READ, Scope.NAMES_READ})


def missing_scopes(principal: Principal, request: ExportRequest) -> list[str]:
    """What the principal lacks for what the file holds."""
    needed = OF_ARCHIVES if request.tenant_data else frozenset[Scope]()
    if request.records is not None:
        needed |= {Scope.RECORDS_READ}
    return sorted(needed - principal.scopes)


async def check_request(request: AnyRequest, principal: Principal, wanted: ExportRequest) -> None:
    """Whether it could be answered now. Raises Problem."""
    asked = (wanted.query is not None, wanted.records is not None, wanted.tenant_data)
    if sum(asked) != 1:
        refuse("", "invalid_value", "Give either a query, or records, or `tenant_data`.")
    if wanted.tenant_data is not (wanted.format is ExportFormat.zip):
        allowed = [each.value for each in ExportFormat if (each is ExportFormat.zip) is asked[2]]
        refuse(
            "/format", "invalid_value", "All data of a tenant is a ZIP, and nothing else.", allowed
        )
    if missing := missing_scopes(principal, wanted):
        raise Problem("insufficient_scope", f"The key lacks the scope {', '.join(missing)}.")
    if wanted.records is not None:
        bounds_of(wanted.records, principal.timezone, "/records")
        try:
            async with snapshot_of(desk_of(request, principal)) as snapshot:
                await filtered(snapshot, wanted.records)
        except Problem as problem:
            raise within(problem, "/records") from None
    if wanted.query is None:
        return
    if wanted.query.shape is not Shape.rows:
        refuse("/query/shape", "invalid_value", "A file holds rows.", [Shape.rows.value])
    if wanted.query.cursor is not None:
        refuse("/query/cursor", "not_supported", "A file has no pages.")
    try:
        await check_query(desk_of(request, principal), wanted.query)
    except Problem as problem:
        raise within(problem, "/query") from None


def what_of(request: ExportRequest) -> str:
    if request.tenant_data:
        return "tenant_data"
    return "query" if request.records is None else request.records.resource.value
