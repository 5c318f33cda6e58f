"""Several questions in one snapshot, of which one that fails must not cost the others theirs."""

import asyncpg

from csapi.kit.problem_answers import to_problem
from csapi.kit.problems import Problem
from csapi.reports.service import Snapshot


async def set_savepoint(snapshot: Snapshot) -> None:
    """Once, before the first question."""
    await snapshot.connection.execute("SAVEPOINT one_query")


async def problem_of(snapshot: Snapshot, error: Problem | asyncpg.PostgresError) -> Problem:
    """What a question failed for; the snapshot can be asked again."""
    problem = to_problem(error)
    if isinstance(error, asyncpg.PostgresError) or problem.code == "query_timeout":
        # The statement is lost, the snapshot is not.
        await snapshot.connection.execute("ROLLBACK TO SAVEPOINT one_query")
    return problem
