"""Tenants, keys, raw records, facts, marks, summaries, with row-level security on all of them."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    "agent_teams",
    "agents",
    "api_keys",
    "calls",
    "custom_attributes",
    "customers",
    "facts",
    "feedback",
    "feedback_requests",
    "marks",
    "members",
    "reference_marks",
    "rollup_buckets",
    "subject_marks",
    "summaries",
    "teams",
    "tenants",
    "ticket_events",
    "tickets",
)

DDL = """
CREATE TABLE agent_teams (
  tenant_id UUID NOT NULL,
  agent INTEGER NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
  team INTEGER NOT NULL,
  CONSTRAINT agent_teams_pkey PRIMARY KEY (tenant_id, agent, valid_from)
);
CREATE TABLE agents (
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
  surrogate INTEGER DEFAULT nextval('surrogates') NOT NULL,
  name TEXT,
  is_bot BOOLEAN DEFAULT false NOT NULL,
  CONSTRAINT agents_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT agents_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX agents_tenant_id_external_id_idx ON agents (tenant_id, external_id);
CREATE INDEX agents_tenant_id_surrogate_idx ON agents (tenant_id, surrogate);
CREATE TABLE api_keys (
  tenant_id UUID NOT NULL,
  key_id TEXT NOT NULL,
  name TEXT NOT NULL,
  secret_sha256 BYTEA NOT NULL,
  scopes TEXT[] NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE,
  revoked_at TIMESTAMP WITH TIME ZONE,
  last_used_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, key_id)
);
CREATE INDEX api_keys_key_id_idx ON api_keys (key_id);
CREATE TABLE calls (
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
  queue_entered_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  is_inbound BOOLEAN,
  outcome SMALLINT,
  channel INTEGER,
  wait_ms BIGINT,
  negative_wait_ms BIGINT,
  talk_ms BIGINT,
  hold_ms BIGINT,
  after_call_work_ms BIGINT,
  handle_ms BIGINT,
  legs JSONB,
  is_resolved BOOLEAN,
  agent INTEGER,
  team INTEGER,
  queue INTEGER,
  customer BIGINT,
  ticket UUID,
  topic INTEGER,
  type INTEGER,
  priority INTEGER,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT calls_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT calls_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX calls_tenant_id_customer_idx ON calls (tenant_id, customer);
CREATE TABLE custom_attributes (
  tenant_id UUID NOT NULL,
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  slot SMALLINT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT custom_attributes_pkey PRIMARY KEY (tenant_id, name),
  CONSTRAINT custom_attributes_tenant_id_slot_key UNIQUE (tenant_id, slot)
);
CREATE TABLE customers (
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
  surrogate BIGINT DEFAULT nextval('customer_surrogates') NOT NULL,
  name TEXT,
  segment INTEGER,
  CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT customers_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX customers_tenant_id_external_id_idx ON customers (tenant_id, external_id);
CREATE INDEX customers_tenant_id_surrogate_idx ON customers (tenant_id, surrogate);
CREATE TABLE facts (
  tenant_id UUID NOT NULL,
  subject UUID NOT NULL,
  kind SMALLINT NOT NULL,
  ordinal INTEGER NOT NULL,
  resource SMALLINT NOT NULL,
  outcome SMALLINT NOT NULL,
  definition_version SMALLINT NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor_agent INTEGER,
  actor_team INTEGER,
  owner_agent INTEGER,
  owner_team INTEGER,
  channel INTEGER,
  inbox INTEGER,
  queue INTEGER,
  type INTEGER,
  topic INTEGER,
  priority INTEGER,
  segment INTEGER,
  customer BIGINT,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  duration_ms BIGINT,
  business_ms BIGINT,
  value BIGINT,
  gap_next_ms BIGINT,
  negative_ms BIGINT,
  CONSTRAINT facts_pkey PRIMARY KEY (tenant_id, subject, kind, ordinal)
);
CREATE INDEX facts_contact_idx ON facts (tenant_id, customer, occurred_at, subject) WHERE kind = 2 AND customer IS NOT NULL;
CREATE INDEX facts_tenant_id_kind_occurred_at_idx ON facts (tenant_id, kind, occurred_at);
CREATE TABLE feedback (
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
  survey SMALLINT,
  responded_at TIMESTAMP WITH TIME ZONE,
  rating BIGINT,
  box SMALLINT,
  request UUID,
  ticket UUID,
  call UUID,
  agent INTEGER,
  team INTEGER,
  customer BIGINT,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT feedback_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT feedback_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX feedback_tenant_id_call_idx ON feedback (tenant_id, call);
CREATE INDEX feedback_tenant_id_customer_idx ON feedback (tenant_id, customer);
CREATE INDEX feedback_tenant_id_request_idx ON feedback (tenant_id, request);
CREATE INDEX feedback_tenant_id_ticket_idx ON feedback (tenant_id, ticket);
CREATE TABLE feedback_requests (
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
  sent_at TIMESTAMP WITH TIME ZONE,
  survey SMALLINT,
  ticket UUID,
  call UUID,
  agent INTEGER,
  team INTEGER,
  channel INTEGER,
  customer BIGINT,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT feedback_requests_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT feedback_requests_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX feedback_requests_tenant_id_call_idx ON feedback_requests (tenant_id, call);
CREATE INDEX feedback_requests_tenant_id_customer_idx ON feedback_requests (tenant_id, customer);
CREATE INDEX feedback_requests_tenant_id_ticket_idx ON feedback_requests (tenant_id, ticket);
CREATE TABLE marks (
  tenant_id UUID NOT NULL,
  grain SMALLINT NOT NULL,
  bucket TIMESTAMP WITH TIME ZONE NOT NULL,
  marked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL
);
CREATE INDEX marks_tenant_id_grain_bucket_idx ON marks (tenant_id, grain, bucket);
CREATE TABLE members (
  tenant_id UUID NOT NULL,
  member INTEGER DEFAULT nextval('surrogates') NOT NULL,
  dimension SMALLINT NOT NULL,
  key TEXT NOT NULL,
  CONSTRAINT members_pkey PRIMARY KEY (tenant_id, member),
  CONSTRAINT members_tenant_id_dimension_key_key UNIQUE (tenant_id, dimension, key)
);
CREATE TABLE reference_marks (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  reference SMALLINT NOT NULL,
  member BIGINT,
  marked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT reference_marks_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE rollup_buckets (
  tenant_id UUID NOT NULL,
  grain SMALLINT NOT NULL,
  bucket TIMESTAMP WITH TIME ZONE NOT NULL,
  sequence BIGINT DEFAULT 0 NOT NULL,
  computed_at TIMESTAMP WITH TIME ZONE,
  rebuild_ms INTEGER DEFAULT 0 NOT NULL,
  CONSTRAINT rollup_buckets_pkey PRIMARY KEY (tenant_id, grain, bucket)
);
CREATE TABLE subject_marks (
  tenant_id UUID NOT NULL,
  resource SMALLINT NOT NULL,
  subject UUID NOT NULL,
  marked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL
);
CREATE INDEX subject_marks_tenant_id_resource_subject_idx ON subject_marks (tenant_id, resource, subject);
CREATE TABLE summaries (
  tenant_id UUID NOT NULL,
  cuboid SMALLINT NOT NULL,
  grain SMALLINT NOT NULL,
  bucket TIMESTAMP WITH TIME ZONE NOT NULL,
  kind SMALLINT NOT NULL,
  outcome SMALLINT NOT NULL,
  key1 INTEGER NOT NULL,
  key2 INTEGER NOT NULL,
  n BIGINT NOT NULL,
  negative_n BIGINT NOT NULL,
  negative_sum BIGINT NOT NULL,
  duration_n BIGINT NOT NULL,
  duration_sum BIGINT NOT NULL,
  duration_sumsq NUMERIC NOT NULL,
  duration_min BIGINT,
  duration_max BIGINT,
  duration_zero_n BIGINT NOT NULL,
  business_n BIGINT NOT NULL,
  business_sum BIGINT NOT NULL,
  value_n BIGINT NOT NULL,
  value_sum BIGINT NOT NULL,
  value_sumsq NUMERIC NOT NULL,
  bins SMALLINT[],
  counts INTEGER[],
  CONSTRAINT summaries_pkey PRIMARY KEY (tenant_id, cuboid, grain, bucket, kind, outcome, key1, key2)
);
CREATE TABLE teams (
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
  surrogate INTEGER DEFAULT nextval('surrogates') NOT NULL,
  name TEXT,
  CONSTRAINT teams_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT teams_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX teams_tenant_id_external_id_idx ON teams (tenant_id, external_id);
CREATE INDEX teams_tenant_id_surrogate_idx ON teams (tenant_id, surrogate);
CREATE TABLE tenants (
  tenant_id UUID NOT NULL,
  name TEXT NOT NULL,
  timezone TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id)
);
CREATE TABLE ticket_events (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  ticket UUID NOT NULL,
  type SMALLINT NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sequence BIGINT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  message_kind SMALLINT,
  actor INTEGER,
  channel INTEGER,
  from_value INTEGER,
  to_value INTEGER,
  agent INTEGER,
  team INTEGER,
  item JSON NOT NULL,
  CONSTRAINT ticket_events_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT ticket_events_tenant_id_source_event_id_key UNIQUE (tenant_id, source, event_id)
);
CREATE INDEX ticket_events_tenant_id_ticket_idx ON ticket_events (tenant_id, ticket);
CREATE TABLE tickets (
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
  created_at TIMESTAMP WITH TIME ZONE,
  channel INTEGER,
  inbox INTEGER,
  type INTEGER,
  topic INTEGER,
  priority INTEGER,
  status SMALLINT,
  customer BIGINT,
  initiated_by SMALLINT,
  agent INTEGER,
  team INTEGER,
  is_excluded BOOLEAN DEFAULT false NOT NULL,
  first_reply_at TIMESTAMP WITH TIME ZONE,
  first_reply_by INTEGER,
  first_solved_at TIMESTAMP WITH TIME ZONE,
  last_solved_at TIMESTAMP WITH TIME ZONE,
  solved_by INTEGER,
  messages_in INTEGER,
  messages_out INTEGER,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT tickets_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT tickets_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX tickets_tenant_id_customer_idx ON tickets (tenant_id, customer);
"""

# A tenant's rows exist only while its id is set: unset or empty raises, and nothing is shown.
POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# What each role may do, beyond the rows that the policies show it.
GRANTS = {
    "csapi_api": {
        "SELECT, INSERT": (
            "tenants",
            "custom_attributes",
            "members",
            "ticket_events",
            "marks",
            "subject_marks",
            "reference_marks",
        ),
        "SELECT, INSERT, UPDATE": (
            "api_keys",
            "agents",
            "teams",
            "customers",
            "tickets",
            "calls",
            "feedback_requests",
            "feedback",
        ),
        "SELECT, INSERT, UPDATE, DELETE": ("facts", "agent_teams"),
        "SELECT": ("summaries", "rollup_buckets"),
    },
    "csapi_worker": {
        "SELECT": (
            "tenants",
            "custom_attributes",
            "agents",
            "teams",
            "agent_teams",
            "ticket_events",
        ),
        "SELECT, INSERT": ("members",),
        "SELECT, UPDATE": ("customers", "tickets", "calls", "feedback_requests", "feedback"),
        "SELECT, INSERT, UPDATE, DELETE": (
            "facts",
            "marks",
            "subject_marks",
            "reference_marks",
            "summaries",
            "rollup_buckets",
        ),
    },
}

# Mark tables and tenant ids only: the sweeper must see whose work waits.
SEEN_BY_WORKER = ("tenants", "marks", "subject_marks", "reference_marks")

FIND_KEY = """
CREATE FUNCTION find_api_key(wanted text)
RETURNS TABLE (tenant_id uuid, secret_sha256 bytea, scopes text[], expires_at timestamptz,
               revoked_at timestamptz, timezone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csapi, pg_catalog
AS $$
  SELECT k.tenant_id, k.secret_sha256, k.scopes, k.expires_at, k.revoked_at, t.timezone
  FROM csapi.api_keys k JOIN csapi.tenants t ON t.tenant_id = k.tenant_id
  WHERE k.key_id = wanted
$$
"""


# Statistics of tenant_id are made up, and kept: what ANALYZE finds makes a tenant that it has not
# seen look empty, and then the planner reads all its rows to find one. With one distinct value and
# no list of common ones, no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("CREATE SEQUENCE surrogates AS integer")
    op.execute("CREATE SEQUENCE customer_surrogates AS bigint")
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
    for table in SEEN_BY_WORKER:
        op.execute(f"CREATE POLICY sweep ON {table} FOR SELECT TO csapi_worker USING (true)")
    for table in ("tenants", "api_keys"):
        op.execute(f"CREATE POLICY find_key ON {table} FOR SELECT TO csapi_owner USING (true)")
    for role, grants in GRANTS.items():
        op.execute(f"GRANT USAGE ON SEQUENCE surrogates, customer_surrogates TO {role}")
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    op.execute("GRANT SELECT ON alembic_version TO csapi_api, csapi_worker")
    op.execute(FIND_KEY)
    op.execute("REVOKE ALL ON FUNCTION find_api_key(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_api_key(text) TO csapi_api")
    # Marks come and go by the thousand: vacuum them early, and never slowly.
    for table in ("marks", "subject_marks"):
        op.execute(
            f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0, "
            "autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP FUNCTION find_api_key(text)")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP SEQUENCE surrogates")
    op.execute("DROP SEQUENCE customer_surrogates")
