"""The reference at /docs and the document at /openapi.json, without any other host.

static/scalar holds standalone.js of the npm package @scalar/api-reference 1.72.1 (MIT), gzipped.
"""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler

from csapi.kit.body import header
from csapi.kit.http import Response

# Scalar puts its styles into <style> elements; scripts stay ours alone, and so do connections.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _static(name: str) -> bytes:
    return files("csapi.kit").joinpath("static", *name.split("/")).read_bytes()


@cache
def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _cached(
    request: Request[Any, Any, Any], content: bytes, media_type: str, headers: Mapping[str, str]
) -> Response:
    """The content, or 304 if the client has it. Clients ask each time: no upgrade is missed."""
    tag = _tag(content)
    known = {"ETag": tag, "Cache-Control": "no-cache", **headers}
    if header(request, b"if-none-match") == tag:
        return Response(status=304, headers=known)
    return Response(content, media_type=media_type, headers=known)


def _accepts_gzip(request: Request[Any, Any, Any]) -> bool:
    accepted = (header(request, b"accept-encoding") or "").replace(" ", "").lower().split(",")
    return "gzip" in accepted


async def docs_page(request: Request[Any, Any, Any]) -> Response:
    policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return _cached(request, _static("docs.html"), "text/html; charset=utf-8", policy)


async def docs_script(request: Request[Any, Any, Any]) -> Response:
    packed = _static("scalar/standalone.js.gz")
    headers = {"Vary": "Accept-Encoding"}
    if _accepts_gzip(request):
        return _cached(
            request,
            packed,
            "text/javascript; charset=utf-8",
            {**headers, "Content-Encoding": "gzip"},
        )
    return Response(gzip.decompress(packed), media_type="text/javascript; charset=utf-8")


def docs_handlers(document: Mapping[str, Any]) -> list[HTTPRouteHandler]:
    """Routes for GET /docs and GET /openapi.json."""
    encoded = msgspec.json.encode(document)

    async def openapi_json(request: Request[Any, Any, Any]) -> Response:
        headers = {"Access-Control-Allow-Origin": "*"}
        return _cached(request, encoded, "application/json", headers)

    routes = {"/docs": docs_page, "/docs/scalar.js": docs_script, "/openapi.json": openapi_json}
    return [
        HTTPRouteHandler(path=path, http_method=["GET", "HEAD"])(answer)
        for path, answer in routes.items()
    ]
