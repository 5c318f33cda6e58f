"""Saved queries, metrics by formula, exports, and what browsers need: origins and portal tokens."""

from alembic import op

revision = "0020"
down_revision = "0019"

TABLES = (
    "saved_queries",
    "custom_metrics",
    "exports",
    "export_chunks",
    "export_marks",
    "browser_origins",
    "portal_tokens",
)

DDL = """
CREATE TABLE saved_queries (
  tenant_id UUID NOT NULL,
  name TEXT NOT NULL,
  question JSON NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT saved_queries_pkey PRIMARY KEY (tenant_id, name)
);
CREATE TABLE custom_metrics (
  tenant_id UUID NOT NULL,
  id TEXT NOT NULL,
  definition JSON NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT custom_metrics_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE exports (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  status TEXT DEFAULT 'queued' NOT NULL,
  request JSON NOT NULL,
  attempt SMALLINT DEFAULT 0 NOT NULL,
  rows BIGINT DEFAULT 0 NOT NULL,
  rows_total BIGINT,
  bytes BIGINT DEFAULT 0 NOT NULL,
  problem JSON,
  secret BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  expires_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT exports_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE export_chunks (
  tenant_id UUID NOT NULL,
  export UUID NOT NULL,
  number INTEGER NOT NULL,
  content BYTEA NOT NULL,
  CONSTRAINT export_chunks_pkey PRIMARY KEY (tenant_id, export, number)
);
CREATE TABLE export_marks (
  tenant_id UUID NOT NULL,
  export UUID NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT export_marks_pkey PRIMARY KEY (tenant_id, export)
);
CREATE TABLE browser_origins (
  tenant_id UUID NOT NULL,
  origin TEXT NOT NULL,
  CONSTRAINT browser_origins_pkey PRIMARY KEY (tenant_id, origin)
);
CREATE TABLE portal_tokens (
  tenant_id UUID NOT NULL,
  token_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  secret_sha256 BYTEA NOT NULL,
  filters JSON,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT portal_tokens_pkey PRIMARY KEY (tenant_id, token_id)
);
CREATE INDEX portal_tokens_tenant_id_expires_at_idx ON portal_tokens (tenant_id, expires_at);
CREATE INDEX portal_tokens_token_id_idx ON portal_tokens (token_id);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE, DELETE": ("saved_queries", "custom_metrics"),
        "SELECT, INSERT, DELETE": ("exports", "export_marks", "browser_origins", "portal_tokens"),
        "SELECT, DELETE": ("export_chunks",),
    },
    "csapi_worker": {
        "SELECT": ("custom_metrics",),
        "SELECT, UPDATE, DELETE": ("exports", "export_marks"),
        "SELECT, INSERT, DELETE": ("export_chunks",),
    },
}

# Whose token it is, and whether the key that made it still lives.
FIND_OWNER = """
CREATE FUNCTION find_portal_token(wanted text)
RETURNS TABLE (tenant_id uuid, key_id text, secret_sha256 bytea, filters json,
               expires_at timestamptz, revoked_at timestamptz, key_expires_at timestamptz,
               timezone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csapi, pg_catalog
AS $$
  SELECT p.tenant_id, p.key_id, p.secret_sha256, p.filters, p.expires_at, k.revoked_at,
    k.expires_at, t.timezone
  FROM csapi.portal_tokens p
  JOIN csapi.api_keys k ON k.tenant_id = p.tenant_id AND k.key_id = p.key_id
  JOIN csapi.tenants t ON t.tenant_id = p.tenant_id
  WHERE p.token_id = wanted
$$
"""

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""
DISTINCT = {
    "exports": {"id": -1},
    "export_chunks": {"export": -0.01, "number": -0.5},
    "export_marks": {"export": -1},
    "portal_tokens": {"token_id": -1, "expires_at": -0.9},
}
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 12, 'n_distinct', {distinct}::real)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL.split(";\n"):
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
    op.execute("CREATE POLICY sweep ON export_marks FOR SELECT TO csapi_worker USING (true)")
    op.execute("CREATE POLICY find_key ON portal_tokens FOR SELECT TO csapi_owner USING (true)")
    for role, grants in GRANTS.items():
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    for table, columns in DISTINCT.items():
        for column, distinct in columns.items():
            op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))
    op.execute(FIND_OWNER)
    op.execute("REVOKE ALL ON FUNCTION find_portal_token(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_portal_token(text) TO csapi_api")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP FUNCTION find_portal_token(text)")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
