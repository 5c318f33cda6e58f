"""The cost book as it was sent, and which hourly rate is in force for whom."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.facts.tables import RECORD_KEYS, attributes, identity
from csapi.kit.tables import column, instant, tenant_table

# amount: an hour's or a month's, x 10,000. member: the agent or team of the scope, else 0.
# months: the months, or parts of them, that a fixed cost is counted in, up to counted_to.
cost_book = tenant_table(
    "cost_book",
    *identity(),
    column("scope", sa.SmallInteger, null=True),
    column("member", sa.Integer, null=True),
    column("name", sa.Text, null=True),
    column("amount", sa.BigInteger, null=True),
    column("currency", sa.Text, null=True),
    column("valid_from", sa.Date, null=True),
    column("valid_to", sa.Date, null=True),
    column("months", pg.JSONB, null=True),
    column("counted_to", instant, null=True),
    *attributes(),
    **RECORD_KEYS,
)

# No overlaps.
cost_rates = tenant_table(
    "cost_rates",
    column("scope", sa.SmallInteger),
    column("member", sa.Integer),
    column("valid_from", instant),
    column("valid_to", instant),
    column("amount", sa.BigInteger),
    key=("scope", "member", "valid_from"),
)
