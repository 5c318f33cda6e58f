"""Reading the cohorts of a question, a statement for each stock that it is about."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from csapi.kit.db import run
from csapi.metrics.cohorts import cohort_statement, stocks_of, with_cohorts
from csapi.metrics.question import Question
from csapi.metrics.stocks import Keys, Parts


async def read_cohorts(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    parts: Mapping[Keys, Parts],
) -> Mapping[Keys, Parts]:
    """The parts of all groups with what their cohorts are."""
    for stock in stocks_of(question):
        rows = await run(connection, cohort_statement(tenant_id, question, stock))
        parts = with_cohorts(question, parts, stock, [tuple(row) for row in rows])
    return parts
