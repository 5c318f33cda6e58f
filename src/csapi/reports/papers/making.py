"""Runs and evaluations as orders for files. Pure."""

import msgspec

from csapi.kit.language import Language
from csapi.reports.evaluations.schemas import AgentEvaluation
from csapi.reports.papers.encoders import PDF
from csapi.reports.papers.evaluation_paper import evaluation_paper
from csapi.reports.papers.press import Order
from csapi.reports.papers.run_paper import run_paper
from csapi.reports.papers.sheets import evaluation_sheets, run_sheets
from csapi.reports.papers.words import RIGHT_TO_LEFT
from csapi.reports.papers.workbook import checked
from csapi.reports.runs.schemas import ReportRun


def run_order(content: str, language: Language, tenant: str, media_type: str) -> Order:
    """The same order for the same run, whose JSON is given. Raises Problem: too large."""
    run = msgspec.json.decode(content, type=ReportRun)
    if media_type == PDF:
        return Order(made_at=run.created_at, paper=run_paper(run, language, tenant))
    return Order(
        made_at=run.created_at,
        sheets=checked(run_sheets(run, language, tenant)),
        right_to_left=language in RIGHT_TO_LEFT,
    )


def evaluation_order(
    found: AgentEvaluation, language: Language, tenant: str, media_type: str
) -> Order:
    if media_type == PDF:
        return Order(made_at=found.as_of, paper=evaluation_paper(found, language, tenant))
    return Order(
        made_at=found.as_of,
        sheets=checked(evaluation_sheets(found, language, tenant)),
        right_to_left=language in RIGHT_TO_LEFT,
    )
