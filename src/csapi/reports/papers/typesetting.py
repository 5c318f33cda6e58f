"""Sets papers: a template of ours, data of the tenant, fonts of the package, and nothing else.

The template is the only markup. Data comes in as one JSON string, and its strings are shown as they
are. The root of the compiler is the folder of the template and its fonts, packages have nowhere to
come from, and neither the network nor the machine's fonts are looked at. Blocking.
"""

import os
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec
import typst

from csapi.reports.papers.blocks import Paper

HERE = Path(__file__).parent
TEMPLATE, FONTS = HERE / "paper.typ", HERE / "fonts"
# A folder that nobody can make: there are no packages.
NO_PACKAGES = Path(os.devnull) / "packages"


@cache
def fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]
    )


def compiler(paper: Paper) -> typst.Compiler:
    return typst.Compiler(
        TEMPLATE.read_bytes(),
        root=str(FONTS),
        font_paths=fonts(),
        ignore_system_fonts=True,
        sys_inputs={"paper": msgspec.json.encode(paper).decode()},
        package_path=str(NO_PACKAGES),
        package_cache_path=str(NO_PACKAGES),
    )


def as_pdf(paper: Paper, made_at: datetime) -> bytes:
    """The paper; the same bytes for the same paper and time."""
    found = compiler(paper).compile(format="pdf", timestamp=int(made_at.timestamp()))
    if not isinstance(found, bytes):
        raise TypeError(found)
    return found


def as_pages(paper: Paper, ppi: float = 72) -> list[bytes]:
    """Its pages as PNG: for tests, and for eyes."""
    found = compiler(paper).compile(format="png", ppi=ppi)
    if found is None:
        raise TypeError(paper)
    return found if isinstance(found, list) else [found]
