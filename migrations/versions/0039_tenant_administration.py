"""What a tenant settles of itself, its closing, and the deletion of all that it has."""

from alembic import op
from sqlalchemy import text

revision = "0039"
down_revision = "0038"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
TABLES = {
    "tenant_settings": {"csapi_api": "SELECT, INSERT, UPDATE", "csapi_worker": "SELECT"},
    "tenant_closings": {"csapi_api": "SELECT, INSERT, DELETE", "csapi_worker": "SELECT"},
}
DDL = (
    """
CREATE TABLE tenant_settings (
  tenant_id UUID NOT NULL,
  language TEXT,
  currency TEXT,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT tenant_settings_pkey PRIMARY KEY (tenant_id)
)""",
    """
CREATE TABLE tenant_closings (
  tenant_id UUID NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closes_at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor_kind TEXT NOT NULL,
  actor TEXT,
  CONSTRAINT tenant_closings_pkey PRIMARY KEY (tenant_id)
)""",
    # What is left of tenants: no row of theirs, so it has no tenant, and only functions reach it.
    """
CREATE TABLE closed_tenants (
  id UUID NOT NULL,
  name TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor_kind TEXT NOT NULL,
  actor TEXT,
  closes_at TIMESTAMP WITH TIME ZONE NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  deleted JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT closed_tenants_pkey PRIMARY KEY (id)
)""",
)

SQL = "LANGUAGE sql {} SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$"
READS = SQL.format("STABLE")
PLPGSQL = "LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$"
# Statistics take all rows for those of one tenant: a scan would go through everybody's, and in each
# chunk again through what is deleted already. All tables have an index that begins with the tenant.
BY_INDEX = PLPGSQL.replace(" AS $$", " SET enable_seqscan = off SET enable_bitmapscan = off AS $$")

FIND_KEY = f"""
CREATE FUNCTION find_api_key(wanted text)
RETURNS TABLE (tenant_id uuid, secret_sha256 bytea, scopes text[], expires_at timestamptz,
               revoked_at timestamptz, timezone text, allowed_ips text[]{{columns}})
{READS}
  SELECT k.tenant_id, k.secret_sha256, k.scopes, k.expires_at, k.revoked_at, t.timezone,
    k.allowed_ips{{values}}
  FROM csapi.api_keys k JOIN csapi.tenants t ON t.tenant_id = k.tenant_id{{joins}}
  WHERE k.key_id = wanted
$$
"""
FIND_PORTAL = f"""
CREATE FUNCTION find_portal_token(wanted text)
RETURNS TABLE (tenant_id uuid, key_id text, secret_sha256 bytea, filters json,
               expires_at timestamptz, revoked_at timestamptz, key_expires_at timestamptz,
               timezone text, agent uuid{{columns}})
{READS}
  SELECT p.tenant_id, p.key_id, p.secret_sha256, p.filters, p.expires_at, k.revoked_at,
    k.expires_at, t.timezone, p.agent{{values}}
  FROM csapi.portal_tokens p
  JOIN csapi.api_keys k ON k.tenant_id = p.tenant_id AND k.key_id = p.key_id
  JOIN csapi.tenants t ON t.tenant_id = p.tenant_id{{joins}}
  WHERE p.token_id = wanted
$$
"""
FINDERS = {"find_api_key(text)": FIND_KEY, "find_portal_token(text)": FIND_PORTAL}
MORE = {
    "columns": ", language text, closes_at timestamptz",
    "values": ", s.language, c.closes_at",
    "joins": """
  LEFT JOIN csapi.tenant_settings s ON s.tenant_id = t.tenant_id
  LEFT JOIN csapi.tenant_closings c ON c.tenant_id = t.tenant_id""",
}
NO_MORE = {"columns": "", "values": "", "joins": ""}

TENANT_TABLES = """
SELECT c.relname::text FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relnamespace = 'csapi'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname"""

# Only of the tenant of the transaction, and only once its time is over.
FUNCTIONS = {
    # What was under way when the time was over has ended two minutes later. Without its row in
    # `tenants` no key, session or sweep finds the tenant.
    "begin_tenant_deletion()": f"""
CREATE FUNCTION begin_tenant_deletion() RETURNS boolean {PLPGSQL}
DECLARE
  tenant uuid := current_setting('csapi.tenant_id')::uuid;
BEGIN
  INSERT INTO csapi.closed_tenants
    (id, name, created_at, requested_at, actor_kind, actor, closes_at, deleted)
  SELECT t.tenant_id, t.name, t.created_at, c.requested_at, c.actor_kind, c.actor, c.closes_at,
    '{{"tenants": 1}}'
  FROM csapi.tenants t JOIN csapi.tenant_closings c ON c.tenant_id = t.tenant_id
  WHERE t.tenant_id = tenant AND c.closes_at <= clock_timestamp() - interval '2 minutes'
  FOR UPDATE
  -- A tenant may come back from a backup.
  ON CONFLICT (id) DO UPDATE SET requested_at = excluded.requested_at,
    actor_kind = excluded.actor_kind, actor = excluded.actor, closes_at = excluded.closes_at,
    started_at = excluded.started_at, finished_at = NULL, deleted = excluded.deleted;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM csapi.people p USING csapi.memberships m
  WHERE m.tenant_id = tenant AND p.id = m.person AND NOT EXISTS (
    SELECT 1 FROM csapi.memberships o WHERE o.person = m.person AND o.tenant_id <> tenant);
  DELETE FROM csapi.tenants t WHERE t.tenant_id = tenant;
  RETURN true;
END
$$""",
    "delete_tenant_rows(text,integer)": f"""
CREATE FUNCTION delete_tenant_rows(relation text, most integer) RETURNS bigint {BY_INDEX}
DECLARE
  tenant uuid := current_setting('csapi.tenant_id')::uuid;
  gone bigint;
BEGIN
  PERFORM 1 FROM csapi.closed_tenants c WHERE c.id = tenant AND c.finished_at IS NULL FOR UPDATE;
  IF NOT FOUND OR relation NOT IN ({TENANT_TABLES}) THEN
    RAISE insufficient_privilege USING MESSAGE = 'no table of a closed tenant';
  END IF;
  EXECUTE format('DELETE FROM csapi.%1$I WHERE tenant_id = $1 AND ctid = ANY (ARRAY('
    'SELECT ctid FROM csapi.%1$I WHERE tenant_id = $1 LIMIT $2))', relation)
  USING tenant, most;
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone > 0 THEN
    UPDATE csapi.closed_tenants c SET deleted = c.deleted || jsonb_build_object(
      relation, coalesce((c.deleted ->> relation)::bigint, 0) + gone)
    WHERE c.id = tenant;
  END IF;
  RETURN gone;
END
$$""",
    # A table without the policy would look empty: then it is not said that all is gone.
    "finish_tenant_deletion()": f"""
CREATE FUNCTION finish_tenant_deletion() RETURNS boolean {BY_INDEX}
DECLARE
  tenant uuid := current_setting('csapi.tenant_id')::uuid;
  relation text;
  is_left boolean;
BEGIN
  FOR relation IN {TENANT_TABLES} LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_policies y WHERE y.schemaname = 'csapi'
        AND y.tablename = relation AND y.policyname = 'closing') THEN
      RAISE EXCEPTION 'table % has no policy "closing"', relation;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM csapi.%I WHERE tenant_id = $1)', relation)
    INTO is_left USING tenant;
    IF is_left THEN
      RETURN false;
    END IF;
  END LOOP;
  UPDATE csapi.closed_tenants c SET finished_at = clock_timestamp()
  WHERE c.id = tenant AND c.finished_at IS NULL;
  RETURN FOUND;
END
$$""",
    "list_closed_tenants()": f"""
CREATE FUNCTION list_closed_tenants()
RETURNS TABLE (id uuid, name text, requested_at timestamptz, closes_at timestamptz,
               started_at timestamptz, finished_at timestamptz, deleted jsonb) {READS}
  SELECT c.id, c.name, c.requested_at, c.closes_at, c.started_at, c.finished_at, c.deleted
  FROM csapi.closed_tenants c ORDER BY c.started_at, c.id
$$""",
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)"""


def tenant_tables() -> list[str]:
    return [row[0] for row in op.get_bind().execute(text(TENANT_TABLES))]


def find_by(parts: dict[str, str]) -> None:
    """PostgreSQL replaces no function whose columns change."""
    for name, definition in FINDERS.items():
        op.execute(f"DROP FUNCTION {name}")
        op.execute(definition.format(**parts))
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO csapi_api")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL:
        op.execute(statement)
    for table in (*TABLES, "closed_tenants"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, grants in TABLES.items():
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING ({POLICY}) WITH CHECK ({POLICY})"
        )
        op.execute(f"CREATE POLICY find_key ON {table} FOR SELECT TO csapi_owner USING (true)")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        op.execute(SAY_DISTINCT.format(table=table))
        for role, what in grants.items():
            op.execute(f"GRANT {what} ON {table} TO {role}")
    op.execute("CREATE POLICY sweep ON tenant_closings FOR SELECT TO csapi_worker USING (true)")
    op.execute(
        "CREATE POLICY functions ON closed_tenants TO csapi_owner USING (true) WITH CHECK (true)"
    )
    op.execute("GRANT UPDATE ON tenants TO csapi_api")
    # Every table of tenants has it, so that the functions below reach all of them, and no others.
    for table in tenant_tables():
        op.execute(f"CREATE POLICY closing ON {table} TO csapi_owner USING ({POLICY})")
    find_by(MORE)
    for name, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO csapi_worker")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    find_by(NO_MORE)
    for table in tenant_tables():
        op.execute(f"DROP POLICY IF EXISTS closing ON {table}")
    op.execute("REVOKE UPDATE ON tenants FROM csapi_api")
    for table in (*TABLES, "closed_tenants"):
        op.execute(f"DROP TABLE {table}")
