"""People who sign in: accounts, memberships, sessions, invitations, signing keys."""

from alembic import op

revision = "0035"
down_revision = "0034"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
TABLES = ("memberships", "person_sessions", "invitations")
# People belong to several tenants: these have none, and only functions reach them.
GLOBAL_TABLES = ("people", "sign_in_attempts", "signing_keys")
DDL = (
    """
CREATE TABLE people (
  id UUID DEFAULT uuidv7() NOT NULL,
  email TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  sessions_from TIMESTAMP WITH TIME ZONE NOT NULL,
  reset_sha256 BYTEA,
  reset_expires_at TIMESTAMP WITH TIME ZONE,
  reset_tenant UUID,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT people_pkey PRIMARY KEY (id),
  CONSTRAINT people_email_key UNIQUE (email)
)""",
    """
CREATE TABLE sign_in_attempts (
  key BYTEA NOT NULL,
  failures INTEGER NOT NULL,
  last_at TIMESTAMP WITH TIME ZONE NOT NULL,
  locked_until TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (key)
)""",
    "CREATE INDEX sign_in_attempts_last_at_idx ON sign_in_attempts (last_at)",
    """
CREATE TABLE signing_keys (
  kid TEXT NOT NULL,
  private_key BYTEA NOT NULL,
  public_key BYTEA NOT NULL,
  signs_from TIMESTAMP WITH TIME ZONE NOT NULL,
  ends_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
)""",
    """
CREATE TABLE memberships (
  tenant_id UUID NOT NULL,
  person UUID NOT NULL,
  role TEXT NOT NULL,
  agent UUID,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, person)
)""",
    "CREATE INDEX memberships_person_idx ON memberships (person)",
    """
CREATE TABLE person_sessions (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  token_id TEXT NOT NULL,
  person UUID NOT NULL,
  secret_sha256 BYTEA NOT NULL,
  user_agent TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT person_sessions_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT person_sessions_tenant_id_token_id_key UNIQUE (tenant_id, token_id)
)""",
    "CREATE INDEX person_sessions_tenant_id_person_idx ON person_sessions (tenant_id, person)",
    """
CREATE TABLE invitations (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  token_id TEXT NOT NULL,
  secret_sha256 BYTEA NOT NULL,
  email TEXT NOT NULL,
  role TEXT NOT NULL,
  agent UUID,
  invited_by UUID,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT invitations_tenant_id_token_id_key UNIQUE (tenant_id, token_id)
)""",
)

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)"""
DISTINCT = (
    ("memberships", "tenant_id", 1),
    ("memberships", "person", -1),
    ("person_sessions", "tenant_id", 1),
    ("person_sessions", "id", -1),
    ("person_sessions", "token_id", -1),
    ("person_sessions", "person", -0.3),
    ("invitations", "tenant_id", 1),
    ("invitations", "id", -1),
    ("invitations", "token_id", -1),
)

SQL = "LANGUAGE sql {} SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$"
READS, WRITES = SQL.format("STABLE"), SQL.format("VOLATILE")
PLPGSQL = "LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$"

# name with argument types -> its definition
FUNCTIONS = {
    "find_person(text)": f"""
CREATE FUNCTION find_person(wanted text) RETURNS TABLE (id uuid, password_hash text) {READS}
  SELECT p.id, p.password_hash FROM csapi.people p WHERE p.email = wanted
$$""",
    "password_of(uuid)": f"""
CREATE FUNCTION password_of(wanted uuid) RETURNS TABLE (email text, password_hash text) {READS}
  SELECT p.email, p.password_hash FROM csapi.people p WHERE p.id = wanted
$$""",
    "memberships_of(uuid)": f"""
CREATE FUNCTION memberships_of(wanted uuid)
RETURNS TABLE (tenant_id uuid, name text, role text) {READS}
  SELECT m.tenant_id, t.name, m.role
  FROM csapi.memberships m JOIN csapi.tenants t ON t.tenant_id = m.tenant_id
  WHERE m.person = wanted ORDER BY t.name, m.tenant_id
$$""",
    # Of the tenant of the transaction, whoever asks.
    "people_of_tenant()": f"""
CREATE FUNCTION people_of_tenant() RETURNS TABLE (id uuid, email text) {READS}
  SELECT p.id, p.email FROM csapi.memberships m JOIN csapi.people p ON p.id = m.person
  WHERE m.tenant_id = current_setting('csapi.tenant_id')::uuid
$$""",
    "sessions_valid_from(uuid)": f"""
CREATE FUNCTION sessions_valid_from(wanted uuid) RETURNS timestamptz {READS}
  SELECT p.sessions_from FROM csapi.people p WHERE p.id = wanted
$$""",
    "add_person(text,text,timestamp with time zone)": f"""
CREATE FUNCTION add_person(new_email text, hashed text, at timestamptz) RETURNS uuid {WRITES}
  INSERT INTO csapi.people (email, password_hash, sessions_from) VALUES (new_email, hashed, at)
  ON CONFLICT (email) DO NOTHING RETURNING id
$$""",
    "set_password(uuid,text,text,timestamp with time zone)": f"""
CREATE FUNCTION set_password(wanted uuid, old_hash text, new_hash text, at timestamptz)
RETURNS uuid {WRITES}
  UPDATE csapi.people SET password_hash = new_hash, sessions_from = at,
    reset_sha256 = NULL, reset_expires_at = NULL, reset_tenant = NULL
  WHERE id = wanted AND password_hash = old_hash RETURNING id
$$""",
    # A tenant's reset is for who belongs to that tenant alone.
    "make_reset(uuid,bytea,timestamp with time zone,uuid)": f"""
CREATE FUNCTION make_reset(wanted uuid, digest bytea, until timestamptz, by_tenant uuid)
RETURNS uuid {WRITES}
  UPDATE csapi.people
  SET reset_sha256 = digest, reset_expires_at = until, reset_tenant = by_tenant
  WHERE id = wanted AND (by_tenant IS NULL OR NOT EXISTS (
    SELECT 1 FROM csapi.memberships m WHERE m.person = wanted AND m.tenant_id <> by_tenant))
  RETURNING id
$$""",
    "find_reset(uuid,bytea,timestamp with time zone)": f"""
CREATE FUNCTION find_reset(wanted uuid, digest bytea, at timestamptz) RETURNS text {READS}
  SELECT p.email FROM csapi.people p
  WHERE p.id = wanted AND p.reset_sha256 = digest AND p.reset_expires_at > at
$$""",
    # What was only of that tenant may be of others by now.
    "use_reset(uuid,bytea,text,timestamp with time zone)": f"""
CREATE FUNCTION use_reset(wanted uuid, digest bytea, hashed text, at timestamptz)
RETURNS uuid {WRITES}
  UPDATE csapi.people p SET password_hash = hashed, sessions_from = at,
    reset_sha256 = NULL, reset_expires_at = NULL, reset_tenant = NULL
  WHERE p.id = wanted AND p.reset_sha256 = digest AND p.reset_expires_at > at
    AND (p.reset_tenant IS NULL OR NOT EXISTS (
      SELECT 1 FROM csapi.memberships m
      WHERE m.person = wanted AND m.tenant_id <> p.reset_tenant))
  RETURNING p.id
$$""",
    # Counts the attempt before it is made, so that many at once count too. Gives the seconds to
    # wait, 0 for none.
    "take_attempt(bytea,bytea,timestamp with time zone)": f"""
CREATE FUNCTION take_attempt(account bytea, address bytea, at timestamptz)
RETURNS integer {PLPGSQL}
DECLARE
  wanted bytea;
  free integer;
BEGIN
  DELETE FROM csapi.sign_in_attempts WHERE key IN (
    SELECT a.key FROM csapi.sign_in_attempts a WHERE a.last_at < at - interval '1 day'
    ORDER BY a.last_at LIMIT 10 FOR UPDATE SKIP LOCKED);
  FOR wanted, free IN VALUES (address, 100), (account, 5) LOOP
    INSERT INTO csapi.sign_in_attempts AS a (key, failures, last_at, locked_until)
    VALUES (wanted, 1, at, at)
    ON CONFLICT (key) DO UPDATE SET
      failures = CASE WHEN a.last_at < at - interval '1 hour' THEN 1 ELSE a.failures + 1 END,
      last_at = at,
      locked_until = CASE
        WHEN a.last_at < at - interval '1 hour' OR a.failures + 1 < free THEN at
        ELSE at + least(900, power(2, least(a.failures + 1 - free, 10))) * interval '1 second' END
    WHERE a.locked_until <= at;
    IF NOT FOUND THEN
      RETURN (SELECT greatest(1, ceil(extract(epoch FROM a.locked_until - at)))::integer
              FROM csapi.sign_in_attempts a WHERE a.key = wanted);
    END IF;
  END LOOP;
  RETURN 0;
END
$$""",
    "forgive_attempt(bytea,bytea,timestamp with time zone)": f"""
CREATE FUNCTION forgive_attempt(account bytea, address bytea, at timestamptz)
RETURNS void {WRITES}
  DELETE FROM csapi.sign_in_attempts WHERE key = account;
  UPDATE csapi.sign_in_attempts
  SET failures = greatest(0, failures - 1), locked_until = least(locked_until, at)
  WHERE key = address
$$""",
    "find_signing_keys(timestamp with time zone)": f"""
CREATE FUNCTION find_signing_keys(at timestamptz)
RETURNS TABLE (kid text, private_key bytea, public_key bytea, signs_from timestamptz) {READS}
  SELECT k.kid, k.private_key, k.public_key, k.signs_from FROM csapi.signing_keys k
  WHERE k.ends_at IS NULL OR k.ends_at > at ORDER BY k.signs_from, k.kid
$$""",
    # Only where nobody else has added one meanwhile: `newest` is the last that the caller knows.
    "add_signing_key(text,bytea,bytea,timestamp with time zone,timestamp with time zone,text)": f"""
CREATE FUNCTION add_signing_key(new_kid text, new_private bytea, new_public bytea,
  new_from timestamptz, others_until timestamptz, newest text) RETURNS boolean {PLPGSQL}
BEGIN
  PERFORM pg_advisory_xact_lock(7162025230190416);
  IF newest IS DISTINCT FROM (
    SELECT k.kid FROM csapi.signing_keys k WHERE k.ends_at IS NULL)
  THEN
    RETURN false;
  END IF;
  DELETE FROM csapi.signing_keys k WHERE k.ends_at < new_from - interval '1 day';
  UPDATE csapi.signing_keys k
  SET ends_at = least(coalesce(k.ends_at, 'infinity'), others_until);
  INSERT INTO csapi.signing_keys (kid, private_key, public_key, signs_from)
  VALUES (new_kid, new_private, new_public, new_from);
  RETURN true;
END
$$""",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL:
        op.execute(statement)
    for table in (*TABLES, *GLOBAL_TABLES):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in TABLES:
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING ({POLICY}) WITH CHECK ({POLICY})"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO csapi_api")
    for table in GLOBAL_TABLES:
        op.execute(
            f"CREATE POLICY functions ON {table} TO csapi_owner USING (true) WITH CHECK (true)"
        )
    op.execute("CREATE POLICY find_key ON memberships FOR SELECT TO csapi_owner USING (true)")
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
    for table in (*TABLES, *GLOBAL_TABLES):
        op.execute(f"DROP TABLE {table}")
