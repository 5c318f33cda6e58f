import sys
from pathlib import Path

import click

METRICS_PAGE = Path("docs/metrics.md")
POSTMAN = Path("openapi/postman.json")
HTTP_FILE = Path("openapi/csapi.http")


def document_text() -> str:
    from csapi.app import openapi_document
    from csapi.kit.openapi import document_text as as_text

    return as_text(openapi_document())


def postman_text() -> str:
    from csapi.app import openapi_document
    from csapi.kit.openapi import document_text as as_text
    from csapi.kit.postman import collection

    return as_text(collection(openapi_document()))


def http_text() -> str:
    from csapi.app import openapi_document
    from csapi.kit.http_file import http_file

    return http_file(openapi_document())


def metrics_text() -> str:
    from csapi.reports.describe import catalog_page

    return catalog_page()


@click.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=None)
@click.option("--check", is_flag=True, help="Only say whether the file is up to date.")
def openapi(output: Path | None, check: bool) -> None:
    """Print the OpenAPI document, or write it and what is made of it.

    With --output it goes to a file, the Postman collection and the .http file beside it, and the
    catalog to docs/metrics.md.
    """
    text = document_text()
    if output is None:
        click.echo(text, nl=False)
    elif not check:
        output.write_text(text, encoding="utf-8")
        output.with_name(POSTMAN.name).write_text(postman_text(), encoding="utf-8")
        output.with_name(HTTP_FILE.name).write_text(http_text(), encoding="utf-8")
        METRICS_PAGE.write_text(metrics_text(), encoding="utf-8")
    elif not output.exists() or output.read_text(encoding="utf-8") != text:
        click.echo(f"csapi: {output} differs from the code. Run: make openapi", err=True)
        sys.exit(1)
