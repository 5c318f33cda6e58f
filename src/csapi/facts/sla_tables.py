"""Policies as they were sent, and the targets that derivations look up."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.facts.tables import RECORD_KEYS, identity
from csapi.kit.tables import column, instant, tenant_table

# rule: conditions and targets with members in the place of names. is_applied: no fact can have
# been derived by other targets than those of this version, or a recompute was asked for since.
sla_policies = tenant_table(
    "sla_policies",
    *identity(),
    column("name", sa.Text, null=True),
    column("position", sa.Integer, null=True),
    column("valid_from", sa.Date, null=True),
    column("valid_to", sa.Date, null=True),
    column("rule", pg.JSONB, null=True),
    column("is_applied", sa.Boolean, default="false"),
    **RECORD_KEYS,
)

# One row for each target. rank: the place of its policy among all. priority: null for any other.
# A condition that is null holds always.
sla_targets = tenant_table(
    "sla_targets",
    column("metric", sa.SmallInteger),
    column("rank", sa.Integer),
    column("place", sa.SmallInteger),
    column("priority", sa.Integer, null=True),
    column("target_ms", sa.BigInteger),
    column("is_business", sa.Boolean),
    column("valid_from", instant),
    column("valid_to", instant),
    column("channels", pg.ARRAY(sa.Integer), null=True),
    column("inboxes", pg.ARRAY(sa.Integer), null=True),
    column("types", pg.ARRAY(sa.Integer), null=True),
    column("priorities", pg.ARRAY(sa.Integer), null=True),
    column("teams", pg.ARRAY(sa.Integer), null=True),
    key=("metric", "rank", "place"),
)
