"""Customers, and which of their records are about one and the same."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.facts.tables import RECORD_KEYS, attributes, identity, integers, tags
from csapi.kit.tables import column, instant, tenant_table, uuid

# `segment` holds for all time; *_values[n] from *_since[n] on. merged_into: the surrogate of the
# customer that all of this one's records are of; no version of the record changes it. erasure:
# which one made the row nobody's.
customers = tenant_table(
    "customers",
    *identity(),
    column("surrogate", sa.BigInteger, default="nextval('customer_surrogates')"),
    column("name", sa.Text, null=True),
    column("segment", sa.Integer, null=True),
    column("merged_into", sa.BigInteger, null=True),
    column("created_at", instant, null=True),
    column("segment_since", pg.ARRAY(instant), null=True),
    column("segment_values", integers(), null=True),
    column("status_since", pg.ARRAY(instant), null=True),
    column("status_values", integers(), null=True),
    column("type", sa.Integer, null=True),
    column("registered", sa.Integer, null=True),
    column("country", sa.Integer, null=True),
    column("locale", sa.Integer, null=True),
    tags(),
    *attributes(),
    column("erasure", uuid, null=True),
    **RECORD_KEYS,
    indexes=[("surrogate",), ("external_id",)],
)
sa.Index(
    "customers_merged_idx",
    customers.c.tenant_id,
    customers.c.merged_into,
    postgresql_where=sa.text("merged_into IS NOT NULL"),
)
sa.Index(
    "customers_erasure_idx",
    customers.c.tenant_id,
    customers.c.erasure,
    postgresql_where=sa.text("erasure IS NOT NULL"),
)

customer_merges = tenant_table(
    "customer_merges",
    *identity(),
    column("from_customer", sa.BigInteger, null=True),
    column("into_customer", sa.BigInteger, null=True),
    **RECORD_KEYS,
    indexes=[("from_customer",), ("into_customer",)],
)
