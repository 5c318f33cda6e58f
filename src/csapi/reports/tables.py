"""What tenants keep for their reports: saved queries, metrics of their own, exports, what agents
write, goals and alerts."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table, uuid

saved_queries = tenant_table(
    "saved_queries",
    column("name", sa.Text),
    column("question", pg.JSON),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("name",),
)

custom_metrics = tenant_table(
    "custom_metrics",
    column("id", sa.Text),
    column("definition", pg.JSON),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
)

# attempt: which run of the job writes. secret: what download links are signed with.
exports = tenant_table(
    "exports",
    column("id", uuid, default="uuidv7()"),
    column("status", sa.Text, default="'queued'"),
    column("request", pg.JSON),
    column("attempt", sa.SmallInteger, default="0"),
    column("rows", sa.BigInteger, default="0"),
    column("rows_total", sa.BigInteger, null=True),
    column("bytes", sa.BigInteger, default="0"),
    column("problem", pg.JSON, null=True),
    column("secret", sa.LargeBinary),
    column("created_at", instant, default="clock_timestamp()"),
    column("finished_at", instant, null=True),
    column("expires_at", instant, null=True),
    key=("id",),
)

# The file, cut; no disk is shared between API and worker.
export_chunks = tenant_table(
    "export_chunks",
    column("export", uuid),
    column("number", sa.Integer),
    column("content", sa.LargeBinary),
    key=("export", "number"),
)

# When the worker looks at an export next: at once, when its lease has run out, when it expires.
export_marks = tenant_table(
    "export_marks",
    column("export", uuid),
    column("due_at", instant),
    key=("export",),
)

reports = tenant_table(
    "reports",
    column("id", uuid, default="uuidv7()"),
    column("content", pg.JSON),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
)

# What a report was answered; never changed. turn: which one of the schedule, written once.
report_runs = tenant_table(
    "report_runs",
    column("report", uuid),
    column("id", uuid),
    column("trigger", sa.Text),
    column("turn", instant, null=True),
    column("as_of", instant),
    column("created_at", instant),
    column("sections", sa.SmallInteger),
    column("failed", sa.SmallInteger),
    column("content", pg.JSON),
    key=("report", "id"),
    unique=(("report", "turn"),),
)

# When the worker looks at a report that has a schedule, and for which turn.
report_marks = tenant_table(
    "report_marks",
    column("report", uuid),
    column("turn", instant),
    column("due_at", instant),
    column("attempt", sa.SmallInteger, default="0"),
    key=("report",),
)

# topic, department: keys, so that a referral outlives what describes them.
driver_referrals = tenant_table(
    "driver_referrals",
    column("id", uuid, default="uuidv7()"),
    column("topic", sa.Text),
    column("department", sa.Text),
    column("owner", sa.Text, null=True),
    column("due_on", sa.Date, null=True),
    column("status", sa.Text),
    column("note", sa.Text, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    column("closed_at", instant, null=True),
    key=("id",),
)

# What is to be done, with the metric that it is to change. suggestion: an agent's words it came of.
action_plans = tenant_table(
    "action_plans",
    column("id", uuid, default="uuidv7()"),
    column("content", pg.JSON),
    column("status", sa.Text),
    column("goal", uuid, null=True),
    column("suggestion", uuid, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    column("closed_at", instant, null=True),
    key=("id",),
    indexes=[("suggestion",)],
)

# What agents say stands in the way or might help. Nowhere else are these words kept.
suggestions = tenant_table(
    "suggestions",
    column("id", uuid, default="uuidv7()"),
    column("agent", uuid),
    column("kind", sa.Text),
    column("content", sa.Text),
    column("status", sa.Text),
    column("reply", sa.Text, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
    indexes=[("agent", "id")],
)

# What an agent writes about their own work, and the reply. Nowhere else are these words kept.
self_evaluations = tenant_table(
    "self_evaluations",
    column("id", uuid, default="uuidv7()"),
    column("agent", uuid),
    column("starts_on", sa.Date),
    column("ends_on", sa.Date),
    column("content", sa.Text),
    column("scores", pg.JSON),
    column("created_at", instant, default="clock_timestamp()"),
    column("reply", sa.Text, null=True),
    column("replied_at", instant, null=True),
    key=("id",),
    indexes=[("agent", "id")],
)

# metric, match: what a goal is about (goals/matching.py). status: where it was at status_at.
goals = tenant_table(
    "goals",
    column("id", uuid, default="uuidv7()"),
    column("content", pg.JSON),
    column("metric", sa.Text),
    column("match", sa.Text),
    column("starts_on", sa.Date),
    column("due_on", sa.Date),
    column("status", sa.Text),
    column("status_at", instant),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
)

# finding: what the latest look, at looked_at, found.
alerts = tenant_table(
    "alerts",
    column("id", uuid, default="uuidv7()"),
    column("content", pg.JSON),
    column("looked_at", instant, null=True),
    column("finding", pg.JSON, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
)

# is_over: its cause has been away for long enough. quiet: for how many looks it has been.
alert_events = tenant_table(
    "alert_events",
    column("id", uuid, default="uuidv7()"),
    column("alert", uuid),
    column("bucket", instant),
    column("content", pg.JSON),
    column("state", sa.Text, default="'open'"),
    column("is_over", sa.Boolean, default="false"),
    column("quiet", sa.SmallInteger, default="0"),
    column("note", sa.Text, null=True),
    column("fired_at", instant),
    column("last_seen_at", instant),
    column("acknowledged_at", instant, null=True),
    column("resolved_at", instant, null=True),
    key=("id",),
    unique=(("alert", "bucket"),),
)

# When the worker looks at a goal or an alert (watching.py), and for which turn.
watch_marks = tenant_table(
    "watch_marks",
    column("watch", sa.SmallInteger),
    column("id", uuid),
    column("turn", instant),
    column("due_at", instant),
    column("attempt", sa.SmallInteger, default="0"),
    key=("watch", "id"),
)
