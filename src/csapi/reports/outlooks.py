"""Reading what is due after the end of a range."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from csapi.kit.db import run
from csapi.metrics.outlook import Keys, Parts, due_statement, outlook_question, with_due
from csapi.metrics.question import Question
from csapi.metrics.stocks import empty_parts


@dataclass(frozen=True, slots=True)
class Due:
    """The parts of all groups, and of their total."""

    groups: Mapping[Keys, Parts]
    total: Parts | None


async def read_due(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    groups: Mapping[Keys, Parts],
    total: Parts | None,
) -> Due:
    """`groups` and `total` with what is due in them, and groups in which nothing else is."""
    ahead, since = outlook_question(question)
    size = len(question.groups)
    rows = [tuple(row) for row in await run(connection, due_statement(tenant_id, ahead, since))]
    is_group = {row: not (row[size] and size) for row in rows}
    due = {row[:size]: row[size + 1 :] for row in rows if is_group[row]}
    whole = next((row[size + 1 :] for row in rows if not size or not is_group[row]), None)
    nothing = empty_parts(question)
    return Due(
        groups={
            keys: with_due(question, ahead, groups.get(keys, nothing), due.get(keys))
            for keys in dict.fromkeys([*groups, *due])
        },
        total=None if total is None else with_due(question, ahead, total, whole),
    )
