"""Reading a run: as it was asked, in words, and as papers."""

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi import __version__
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.body import header
from csapi.kit.http import Response, json_response
from csapi.kit.language import Language, asked_language, spoken
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.kit.problems import Problem
from csapi.kit.turns import aside
from csapi.reports.encoders import JSON, encoded
from csapi.reports.endpoints import SPOKEN, TEXTS
from csapi.reports.etags import known_tags, matching
from csapi.reports.papers.encoders import (
    ENDINGS,
    PAPER_FORMS,
    paper_response,
    paper_type,
    tenant_name,
)
from csapi.reports.papers.making import run_order
from csapi.reports.papers.schemas import ReportSummary
from csapi.reports.papers.summary import summary
from csapi.reports.runs import store
from csapi.reports.runs.schemas import ReportRun, RunPath, SectionPath
from csapi.reports.schemas import QueryAnswer

TAG = "Comparison reports"
CACHING = {
    "cache-control": "private, no-cache",
    "vary": "Accept, Accept-Language, Authorization",
}


class RunLanguageParams(msgspec.Struct, kw_only=True):
    """In which language."""

    language: Annotated[
        Language | None,
        Meta(
            description="The language of words and papers; if absent that of Accept-Language, and "
            "without it the run's. JSON of a run stays as it was asked"
        ),
    ] = None


def missing_run() -> Problem:
    return Problem("not_found", "There is no such run of a report for this key.")


async def content_of(request: AnyRequest, principal: Principal, path: RunPath) -> str:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        content: str | None = await connection.fetchval(
            store.RUN, principal.tenant_id, path.report_id, path.run_id
        )
    if content is None:
        raise missing_run()
    return content


class Spoken(msgspec.Struct):
    """Of a run only what it was asked in."""

    language: Language


def language_for(request: AnyRequest, content: str) -> Language:
    wanted = params_of(request, RunLanguageParams).language
    if wanted is not None:
        return wanted
    if header(request, b"accept-language") is not None:
        return asked_language(request.scope)
    return msgspec.json.decode(content, type=Spoken).language


def told(content: str, language: Language) -> ReportSummary:
    return summary(msgspec.json.decode(content, type=ReportRun), language)


async def get_run(request: AnyRequest, principal: Principal) -> Response:
    path = path_of(request, RunPath)
    content = await content_of(request, principal, path)
    media_type = paper_type(request.headers.get("accept"), (JSON,))
    if media_type is not None:
        return await get_paper(request, principal, path, content, media_type)
    tag = str(path.run_id)
    headers = {**CACHING, "etag": f'"{tag}"'}
    if matching(tag, known_tags(header(request, b"if-none-match"))):
        return Response(status=304, headers=headers)
    return json_response(content.encode(), headers=headers)


async def get_paper(
    request: AnyRequest, principal: Principal, path: RunPath, content: str, media_type: str
) -> Response:
    language = language_for(request, content)
    version = __version__.replace(".", "_")
    tag = f"{path.run_id}-{ENDINGS[media_type]}-{language.value}-{version}"
    headers = {**CACHING, "etag": f'"{tag}"'}
    if matching(tag, known_tags(header(request, b"if-none-match"))):
        return Response(status=304, headers=headers)
    name = await tenant_name(request, principal)
    work = partial(run_order, content, language, name, media_type)
    return await paper_response(
        request, principal, work, media_type, f"report-{path.run_id}", language, headers
    )


async def get_summary(request: AnyRequest, principal: Principal) -> Response:
    content = await content_of(request, principal, path_of(request, RunPath))
    language = language_for(request, content)
    found = await aside(told, content, language)
    return json_response(found, headers=spoken(language))


async def get_section(request: AnyRequest, principal: Principal) -> Response:
    path = path_of(request, SectionPath)
    run = msgspec.json.decode(await content_of(request, principal, path), type=ReportRun)
    for section in run.sections:
        if section.name == path.name:
            break
    else:
        raise Problem("not_found", "The run has no such section.")
    if section.answer is None:
        raise Problem("not_found", "The section has no answer: the run says why.")
    accept = request.headers.get("accept")
    return encoded(section.query, section.answer, accept, run.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/reports/{report_id}/runs/{run_id}",
        operation_id="getReportRun",
        summary="Read a run",
        description="All answers of the run, byte for byte as they were when it ran; by Accept "
        "also as a paper (PDF) or a spreadsheet, with its summary.",
        tag=TAG,
        handler=get_run,
        scope=Scope.REPORTS_READ,
        params=RunLanguageParams,
        path_params=RunPath,
        responses={
            200: Media(body=ReportRun, files=PAPER_FORMS, headers=("ETag", *SPOKEN)),
            304: Media(description="A run never changes: you have it.", headers=("ETag",)),
        },
        problems=("too_many_queries", "range_too_long"),
    ),
    Operation(
        method="GET",
        path="/v1/reports/{report_id}/runs/{run_id}/summary",
        operation_id="getReportSummary",
        summary="Read a run in words",
        description="Main challenges, an overview of the metrics, agents, findings, proposed "
        "actions, and what it does not cover: sentences that follow by rules from the stored "
        "answers. Every number has a pointer to its value in the run.",
        tag=TAG,
        handler=get_summary,
        scope=Scope.REPORTS_READ,
        params=RunLanguageParams,
        path_params=RunPath,
        responses={200: Media(body=ReportSummary, headers=SPOKEN)},
    ),
    Operation(
        method="GET",
        path="/v1/reports/{report_id}/runs/{run_id}/sections/{name}",
        operation_id="getReportSection",
        summary="Read a section of a run",
        description="Its answer alone, as POST /v1/query gives it: also as CSV or NDJSON.",
        tag=TAG,
        handler=get_section,
        scope=Scope.REPORTS_READ,
        path_params=SectionPath,
        responses={200: Media(body=QueryAnswer, texts=TEXTS)},
    ),
]
