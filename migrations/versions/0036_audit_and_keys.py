"""The audit log, where keys may be used from and what replaces them, and quotas."""

from alembic import op

revision = "0036"
down_revision = "0035"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
# What the API may do. Nobody may change an entry, or take one away.
TABLES = {
    "audit_heads": "SELECT, INSERT, UPDATE",
    "audit_log": "SELECT, INSERT",
    "quotas": "SELECT, INSERT, UPDATE, DELETE",
}
DDL = (
    "ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT[]",
    "ALTER TABLE api_keys ADD COLUMN created_by TEXT",
    "ALTER TABLE api_keys ADD COLUMN replaced_by TEXT",
    """
CREATE TABLE audit_heads (
  tenant_id UUID NOT NULL,
  sequence BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id)
)""",
    """
CREATE TABLE audit_log (
  tenant_id UUID NOT NULL,
  sequence BIGINT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor_kind TEXT NOT NULL,
  actor TEXT,
  action TEXT NOT NULL,
  subject TEXT,
  details TEXT NOT NULL,
  previous BYTEA NOT NULL,
  hash BYTEA NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, sequence)
)""",
    """
CREATE TABLE quotas (
  tenant_id UUID NOT NULL,
  period TEXT NOT NULL,
  items BIGINT NOT NULL,
  CONSTRAINT quotas_pkey PRIMARY KEY (tenant_id, period)
)""",
)

FIND_KEY = """
CREATE FUNCTION find_api_key(wanted text)
RETURNS TABLE (tenant_id uuid, secret_sha256 bytea, scopes text[], expires_at timestamptz,
               revoked_at timestamptz, timezone text{more})
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csapi, pg_catalog
AS $$
  SELECT k.tenant_id, k.secret_sha256, k.scopes, k.expires_at, k.revoked_at, t.timezone{read}
  FROM csapi.api_keys k JOIN csapi.tenants t ON t.tenant_id = k.tenant_id
  WHERE k.key_id = wanted
$$
"""

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', {width}, 'n_distinct', {distinct}::real)"""
DISTINCT = (
    ("audit_heads", "tenant_id", 16, 1),
    ("audit_log", "tenant_id", 16, 1),
    ("audit_log", "sequence", 8, -1),
    ("quotas", "tenant_id", 16, 1),
)


def find_key_by(more: str, read: str) -> None:
    """PostgreSQL replaces no function whose columns change."""
    op.execute("DROP FUNCTION find_api_key(text)")
    op.execute(FIND_KEY.format(more=more, read=read))
    op.execute("REVOKE ALL ON FUNCTION find_api_key(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_api_key(text) TO csapi_api")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL:
        op.execute(statement)
    for table, privileges in TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING ({POLICY}) WITH CHECK ({POLICY})"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        op.execute(f"GRANT {privileges} ON {table} TO csapi_api")
    for table, column, width, distinct in DISTINCT:
        op.execute(SAY_DISTINCT.format(table=table, column=column, width=width, distinct=distinct))
    find_key_by(", allowed_ips text[]", ", k.allowed_ips")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    find_key_by("", "")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
    for column in ("allowed_ips", "created_by", "replaced_by"):
        op.execute(f"ALTER TABLE api_keys DROP COLUMN {column}")
