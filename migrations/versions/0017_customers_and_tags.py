"""Tags of facts, what customers are and since when, and which customers are one and the same."""

from alembic import op

revision = "0017"
down_revision = "0016"

CUSTOMER = 30  # the resource

# Nullable columns without a default: no table is rewritten.
TAGGED = ("facts", "tickets", "calls")
CUSTOMER_COLUMNS = {
    "merged_into": "BIGINT",
    "created_at": "TIMESTAMP WITH TIME ZONE",
    "segment_since": "TIMESTAMP WITH TIME ZONE[]",
    "segment_values": "INTEGER[]",
    "status_since": "TIMESTAMP WITH TIME ZONE[]",
    "status_values": "INTEGER[]",
    "type": "INTEGER",
    "registered": "INTEGER",
    "country": "INTEGER",
    "locale": "INTEGER",
    "tags": "INTEGER[]",
    **{f"attr{slot}": "INTEGER" for slot in range(1, 9)},
}

MERGES = """
CREATE TABLE customer_merges (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  source TEXT NOT NULL,
  external_id TEXT NOT NULL,
  version_at TIMESTAMP WITH TIME ZONE DEFAULT '-infinity' NOT NULL,
  content_hash BIGINT DEFAULT 0 NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  is_stub BOOLEAN DEFAULT false NOT NULL,
  is_deleted BOOLEAN DEFAULT false NOT NULL,
  item JSON,
  from_customer BIGINT,
  into_customer BIGINT,
  CONSTRAINT customer_merges_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT customer_merges_tenant_id_source_external_id_key
    UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX customer_merges_tenant_id_from_customer_idx
  ON customer_merges (tenant_id, from_customer);
CREATE INDEX customer_merges_tenant_id_into_customer_idx
  ON customer_merges (tenant_id, into_customer)
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"
ROLES = "csapi_api, csapi_worker"

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', {nulls}::real, 'avg_width', {width}, 'n_distinct', {distinct}::real)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in TAGGED:
        op.execute(f"ALTER TABLE {table} ADD COLUMN tags INTEGER[]")
    added = ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in CUSTOMER_COLUMNS.items())
    op.execute(f"ALTER TABLE customers {added}")
    op.execute(
        "CREATE INDEX customers_merged_idx ON customers (tenant_id, merged_into) "
        "WHERE merged_into IS NOT NULL"
    )
    for statement in MERGES.split(";\n"):
        op.execute(statement)
    op.execute("ALTER TABLE customer_merges ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE customer_merges FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON customer_merges TO {ROLES} USING {POLICY} WITH CHECK {POLICY}"
    )
    op.execute("ALTER TABLE customer_merges ALTER COLUMN tenant_id SET STATISTICS 0")
    op.execute("GRANT SELECT, INSERT, UPDATE ON customer_merges TO csapi_api")
    op.execute("GRANT SELECT ON customer_merges TO csapi_worker")
    for table in ("tenants", "definitions"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # Customers of earlier versions say where they are in their items alone: have that read out.
    op.execute(
        f"INSERT INTO definitions (tenant_id, resource, fingerprint) "
        f"SELECT tenant_id, {CUSTOMER}, 0 FROM tenants"
    )
    for table in ("tenants", "definitions"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, column, nulls, width, distinct in (
        ("customer_merges", "tenant_id", 0, 16, 1),
        ("customer_merges", "id", 0, 16, -1),
        ("customer_merges", "external_id", 0, 12, -1),
        ("customer_merges", "from_customer", 0, 8, -1),
        ("customer_merges", "into_customer", 0, 8, -0.5),
        ("customers", "merged_into", 0.9, 8, -0.05),
    ):
        op.execute(
            PLAN_FOR_LARGE_TENANTS.format(
                table=table, column=column, nulls=nulls, width=width, distinct=distinct
            )
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE definitions NO FORCE ROW LEVEL SECURITY")
    op.execute(f"DELETE FROM definitions WHERE resource = {CUSTOMER}")
    op.execute("ALTER TABLE definitions FORCE ROW LEVEL SECURITY")
    op.execute("DROP TABLE customer_merges")
    op.execute("DROP INDEX customers_merged_idx")
    op.execute(
        "ALTER TABLE customers " + ", ".join(f"DROP COLUMN {name}" for name in CUSTOMER_COLUMNS)
    )
    for table in TAGGED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN tags")
