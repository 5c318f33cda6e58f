"""Identity providers of tenants: who is known by them, and sign-ins that are under way."""

from alembic import op

revision = "0038"
down_revision = "0037"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
TABLES = ("identity_providers", "identity_provider_secrets", "identities", "sign_in_flows")
DDL = (
    """
CREATE TABLE identity_providers (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  name TEXT NOT NULL,
  issuer TEXT NOT NULL,
  client_id TEXT NOT NULL,
  redirect_uris TEXT[] NOT NULL,
  email_domains TEXT[] NOT NULL,
  default_role TEXT,
  is_enabled BOOLEAN NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT identity_providers_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT identity_providers_tenant_id_issuer_key UNIQUE (tenant_id, issuer)
)""",
    """
CREATE TABLE identity_provider_secrets (
  tenant_id UUID NOT NULL,
  provider UUID NOT NULL,
  secret TEXT NOT NULL,
  CONSTRAINT identity_provider_secrets_pkey PRIMARY KEY (tenant_id, provider)
)""",
    """
CREATE TABLE identities (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  person UUID NOT NULL,
  email TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT identities_tenant_id_issuer_subject_key UNIQUE (tenant_id, issuer, subject)
)""",
    "CREATE INDEX identities_tenant_id_person_idx ON identities (tenant_id, person)",
    """
CREATE TABLE sign_in_flows (
  tenant_id UUID NOT NULL,
  token_id TEXT NOT NULL,
  secret_sha256 BYTEA NOT NULL,
  browser_sha256 BYTEA NOT NULL,
  provider UUID NOT NULL,
  redirect_uri TEXT NOT NULL,
  person UUID,
  session UUID,
  began_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT sign_in_flows_pkey PRIMARY KEY (tenant_id, token_id)
)""",
    "CREATE INDEX sign_in_flows_tenant_id_began_at_idx ON sign_in_flows (tenant_id, began_at)",
    "ALTER TABLE person_sessions ADD COLUMN provider UUID",
    # Whom a provider alone knows has neither.
    "ALTER TABLE people ALTER COLUMN email DROP NOT NULL",
    "ALTER TABLE people ALTER COLUMN password_hash DROP NOT NULL",
)

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)"""
DISTINCT = (
    ("identity_providers", "tenant_id", 1),
    ("identity_providers", "id", -1),
    ("identities", "tenant_id", 1),
    ("identities", "id", -1),
    ("identities", "subject", -1),
    ("identities", "person", -1),
    ("sign_in_flows", "tenant_id", 1),
    ("sign_in_flows", "token_id", -1),
)

SQL = "LANGUAGE sql {} SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$"
READS, WRITES = SQL.format("STABLE"), SQL.format("VOLATILE")
PLPGSQL = "LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$"
OWN = "current_setting('csapi.tenant_id')::uuid"

# name with argument types -> its definition
FUNCTIONS = {
    # Somebody without address and password: nobody finds them but by an identity.
    "add_known_person(timestamp with time zone)": f"""
CREATE FUNCTION add_known_person(at timestamptz) RETURNS uuid {WRITES}
  INSERT INTO csapi.people (sessions_from) VALUES (at) RETURNING id
$$""",
    # Of the tenant of the transaction, whoever asks.
    "keep_provider_secret(uuid,text)": f"""
CREATE FUNCTION keep_provider_secret(wanted uuid, given text) RETURNS void {WRITES}
  INSERT INTO csapi.identity_provider_secrets (tenant_id, provider, secret)
  VALUES ({OWN}, wanted, given)
  ON CONFLICT (tenant_id, provider) DO UPDATE SET secret = excluded.secret
$$""",
    "provider_secret(uuid)": f"""
CREATE FUNCTION provider_secret(wanted uuid) RETURNS text {READS}
  SELECT s.secret FROM csapi.identity_provider_secrets s
  JOIN csapi.identity_providers p ON p.tenant_id = {OWN} AND p.id = s.provider AND p.is_enabled
  WHERE s.tenant_id = {OWN} AND s.provider = wanted
$$""",
    "forget_provider_secret(uuid)": f"""
CREATE FUNCTION forget_provider_secret(wanted uuid) RETURNS void {WRITES}
  DELETE FROM csapi.identity_provider_secrets s WHERE s.tenant_id = {OWN} AND s.provider = wanted
$$""",
    # What begins from an address is counted like passwords that are tried: 0, or seconds to wait.
    "take_start(bytea,timestamp with time zone)": f"""
CREATE FUNCTION take_start(address bytea, at timestamptz) RETURNS integer {PLPGSQL}
BEGIN
  INSERT INTO csapi.sign_in_attempts AS a (key, failures, last_at, locked_until)
  VALUES (address, 1, at, at)
  ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN a.last_at < at - interval '1 hour' THEN 1 ELSE a.failures + 1 END,
    last_at = at,
    locked_until = CASE
      WHEN a.last_at < at - interval '1 hour' OR a.failures + 1 < 200 THEN at
      ELSE at + least(900, power(2, least(a.failures + 1 - 200, 10))) * interval '1 second' END
  WHERE a.locked_until <= at;
  IF NOT FOUND THEN
    RETURN (SELECT greatest(1, ceil(extract(epoch FROM a.locked_until - at)))::integer
            FROM csapi.sign_in_attempts a WHERE a.key = address);
  END IF;
  RETURN 0;
END
$$""",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL:
        op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING ({POLICY}) WITH CHECK ({POLICY})"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        if table != "identity_provider_secrets":
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO csapi_api")
    op.execute(
        "CREATE POLICY functions ON identity_provider_secrets TO csapi_owner "
        "USING (true) WITH CHECK (true)"
    )
    op.execute(
        "CREATE POLICY find_key ON identity_providers FOR SELECT TO csapi_owner USING (true)"
    )
    for table, column, distinct in DISTINCT:
        op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))
    for name, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO csapi_api")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    # Nobody could sign in any more whom a provider alone knows.
    op.execute("CREATE POLICY leaving ON memberships TO csapi_owner USING (true)")
    op.execute(
        "DELETE FROM memberships WHERE person IN (SELECT id FROM people WHERE email IS NULL)"
    )
    op.execute("DROP POLICY leaving ON memberships")
    op.execute("DELETE FROM people WHERE email IS NULL")
    op.execute("ALTER TABLE people ALTER COLUMN email SET NOT NULL")
    op.execute("ALTER TABLE people ALTER COLUMN password_hash SET NOT NULL")
    op.execute("CREATE POLICY leaving ON person_sessions TO csapi_owner USING (true)")
    # They would be good everywhere.
    op.execute("DELETE FROM person_sessions WHERE provider IS NOT NULL")
    op.execute("DROP POLICY leaving ON person_sessions")
    op.execute("ALTER TABLE person_sessions DROP COLUMN provider")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
