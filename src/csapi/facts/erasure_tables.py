"""Who was erased: receipts, the names that must not come back, and what they are hashed with."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table, uuid

# sequence: counts the tenant's erasures; whoever writes records says which one it knows of.
# step, reached: where the job goes on. counts: rows by resource and what was done with them.
erasures = tenant_table(
    "erasures",
    column("id", uuid, default="uuidv7()"),
    column("sequence", sa.BigInteger),
    column("mode", sa.Text),
    column("status", sa.Text, default="'queued'"),
    column("reference", sa.Text, null=True),
    column("actor_kind", sa.Text),
    column("actor", sa.Text, null=True),
    column("requested_at", instant, default="clock_timestamp()"),
    column("started_at", instant, null=True),
    column("finished_at", instant, null=True),
    column("step", sa.SmallInteger, default="0"),
    column("reached", uuid, null=True),
    column("counts", pg.JSONB, default="'{}'"),
    key=("id",),
    unique=[("sequence",)],
)

# One for each tenant, so that the same name in two tenants has two hashes.
erasure_keys = tenant_table("erasure_keys", column("key", sa.LargeBinary), key=())
erasure_keys.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# hash: of resource, source and name under the tenant's key.
erased_names = tenant_table(
    "erased_names",
    column("hash", sa.LargeBinary),
    column("erasure", uuid),
    key=("hash",),
    indexes=[("erasure",)],
)

# Erasures that wait for a worker, and from when on: all that it sees across tenants.
erasure_marks = tenant_table(
    "erasure_marks",
    column("erasure", uuid),
    column("due_at", instant),
    key=("erasure",),
)
