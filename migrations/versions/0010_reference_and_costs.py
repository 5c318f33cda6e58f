"""Names that are described, annotations, and the cost book."""

from alembic import op

revision = "0010"
down_revision = "0008"

DESCRIPTIONS = ("inboxes", "queues", "channels", "ticket_types")
TABLES = (*DESCRIPTIONS, "topics", "annotations", "cost_book", "cost_rates")

DESCRIPTION_DDL = """
CREATE TABLE {table} (
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
  member INTEGER,
  label TEXT,
  CONSTRAINT {table}_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT {table}_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX {table}_tenant_id_member_idx ON {table} (tenant_id, member);
"""

DDL = """
CREATE TABLE topics (
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
  member INTEGER,
  label TEXT,
  parent INTEGER,
  department INTEGER,
  CONSTRAINT topics_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT topics_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX topics_tenant_id_member_idx ON topics (tenant_id, member);
CREATE TABLE annotations (
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
  starts_at TIMESTAMP WITH TIME ZONE,
  ends_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT annotations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT annotations_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX annotations_tenant_id_starts_at_idx ON annotations (tenant_id, starts_at);
CREATE TABLE cost_book (
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
  scope SMALLINT,
  member INTEGER,
  name TEXT,
  amount BIGINT,
  currency TEXT,
  valid_from DATE,
  valid_to DATE,
  months JSONB,
  counted_to TIMESTAMP WITH TIME ZONE,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT cost_book_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT cost_book_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE TABLE cost_rates (
  tenant_id UUID NOT NULL,
  scope SMALLINT NOT NULL,
  member INTEGER NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
  amount BIGINT NOT NULL,
  CONSTRAINT cost_rates_pkey PRIMARY KEY (tenant_id, scope, member, valid_from)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# The worker adds months to fixed costs; a version of an entry it never writes.
GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE": (*DESCRIPTIONS, "topics", "annotations", "cost_book"),
        "SELECT, INSERT, DELETE": ("cost_rates",),
    },
    "csapi_worker": {
        "SELECT": (*DESCRIPTIONS, "topics", "annotations", "cost_rates"),
        "SELECT, UPDATE": ("cost_book",),
    },
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""
DESCRIBED = {"id": -1, "external_id": -1, "member": -0.9}
DISTINCT = {
    **dict.fromkeys((*DESCRIPTIONS, "topics"), DESCRIBED),
    "annotations": {"id": -1, "external_id": -1, "starts_at": -0.9},
    "cost_book": {"id": -1, "external_id": -1},
    "cost_rates": {"member": -0.5},
}
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', {width}, 'n_distinct', {distinct}::real)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    ddl = DDL + ";\n".join(DESCRIPTION_DDL.format(table=table) for table in DESCRIPTIONS)
    for statement in ddl.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING {POLICY} WITH CHECK {POLICY}"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        op.execute(PLAN_FOR_LARGE_TENANTS.format(table=table))
    for role, grants in GRANTS.items():
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    for table, columns in DISTINCT.items():
        for column, distinct in columns.items():
            width = 12 if column == "external_id" else 8
            op.execute(
                SAY_DISTINCT.format(table=table, column=column, width=width, distinct=distinct)
            )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
