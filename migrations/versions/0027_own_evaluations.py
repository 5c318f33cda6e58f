"""Portal tokens of agents, and what agents write about their own work."""

from alembic import op

revision = "0027"
down_revision = "0026"

DDL = """
CREATE TABLE self_evaluations (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  agent UUID NOT NULL,
  starts_on DATE NOT NULL,
  ends_on DATE NOT NULL,
  content TEXT NOT NULL,
  scores JSON NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  reply TEXT,
  replied_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT self_evaluations_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX self_evaluations_tenant_id_agent_id_idx ON self_evaluations (tenant_id, agent, id);
ALTER TABLE self_evaluations ENABLE ROW LEVEL SECURITY;
ALTER TABLE self_evaluations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON self_evaluations TO csapi_api, csapi_worker
  USING (tenant_id = current_setting('csapi.tenant_id')::uuid)
  WITH CHECK (tenant_id = current_setting('csapi.tenant_id')::uuid);
ALTER TABLE self_evaluations ALTER COLUMN tenant_id SET STATISTICS 0;
GRANT SELECT, INSERT, UPDATE, DELETE ON self_evaluations TO csapi_api;
ALTER TABLE portal_tokens ADD COLUMN agent UUID;
DROP FUNCTION find_portal_token(text);
"""

# Whose token it is, and whether the key that made it still lives.
FIND_OWNER = """
CREATE FUNCTION find_portal_token(wanted text)
RETURNS TABLE (tenant_id uuid, key_id text, secret_sha256 bytea, filters json,
               expires_at timestamptz, revoked_at timestamptz, key_expires_at timestamptz,
               timezone text{column})
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csapi, pg_catalog
AS $$
  SELECT p.tenant_id, p.key_id, p.secret_sha256, p.filters, p.expires_at, k.revoked_at,
    k.expires_at, t.timezone{value}
  FROM csapi.portal_tokens p
  JOIN csapi.api_keys k ON k.tenant_id = p.tenant_id AND k.key_id = p.key_id
  JOIN csapi.tenants t ON t.tenant_id = p.tenant_id
  WHERE p.token_id = wanted
$$
"""

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', 'self_evaluations', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""
DISTINCT = {"tenant_id": 1, "id": -1, "agent": -0.05}


def run(statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)


def find_owner(column: str, value: str) -> None:
    op.execute(FIND_OWNER.format(column=column, value=value))
    op.execute("REVOKE ALL ON FUNCTION find_portal_token(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_portal_token(text) TO csapi_api")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    run(DDL)
    for column, distinct in DISTINCT.items():
        op.execute(SAY_DISTINCT.format(column=column, distinct=distinct))
    find_owner(", agent uuid", ", p.agent")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP FUNCTION find_portal_token(text)")
    op.execute("ALTER TABLE portal_tokens DROP COLUMN agent")
    op.execute("DROP TABLE self_evaluations")
    find_owner("", "")
