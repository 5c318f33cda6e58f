"""Statistics for tables that ANALYZE has not seen yet."""

from alembic import op

revision = "0002"
down_revision = "0001"

# Until ANALYZE comes by, the planner takes 200 distinct values for granted: a batch of 1,000 ids
# then looks like the whole table, and is answered by reading all of it. These columns are nearly
# unique; a negative figure is a share of the rows. The first ANALYZE replaces what is said here.
DISTINCT = {
    "teams": {"id": -1, "external_id": -1, "surrogate": -1},
    "agents": {"id": -1, "external_id": -1, "surrogate": -1},
    "agent_teams": {"agent": -0.8},
    "members": {"member": -1, "key": -0.9},
    "customers": {"id": -1, "external_id": -1, "surrogate": -1},
    "tickets": {"id": -1, "external_id": -1, "customer": -0.5},
    "ticket_events": {"id": -1, "event_id": -1, "ticket": -0.2},
    "calls": {"id": -1, "external_id": -1, "customer": -0.5},
    "feedback_requests": {
        "id": -1, "external_id": -1, "ticket": -0.9, "call": -0.9, "customer": -0.5
    },
    "feedback": {
        "id": -1, "external_id": -1, "request": -0.9, "ticket": -0.9, "call": -0.9, "customer": -0.5
    },
    "facts": {"subject": -0.2, "kind": 15, "customer": -0.1},
    "subject_marks": {"subject": -1},
}  # fmt: skip
WIDTHS = {"external_id": 12, "event_id": 12, "key": 12}

SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', {width}, 'n_distinct', {distinct}::real)
WHERE NOT EXISTS (
  SELECT 1 FROM pg_stats
  WHERE schemaname = 'csapi' AND tablename = '{table}' AND attname = '{column}')
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table, columns in DISTINCT.items():
        for column, distinct in columns.items():
            width = WIDTHS.get(column, 8)
            op.execute(
                SAY_DISTINCT.format(table=table, column=column, width=width, distinct=distinct)
            )


def downgrade() -> None:
    """Nothing to undo: ANALYZE replaces the figures by itself."""
