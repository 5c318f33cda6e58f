"""Forms, sessions without an agent, and the knowledge base."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = ("forms", "kb_articles", "kb_events", "sessions")

DDL = """
CREATE TABLE forms (
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
  submitted_at TIMESTAMP WITH TIME ZONE,
  type INTEGER,
  channel INTEGER,
  customer BIGINT,
  ticket UUID,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT forms_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT forms_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX forms_tenant_id_customer_idx ON forms (tenant_id, customer);
CREATE TABLE kb_articles (
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
  topic INTEGER,
  CONSTRAINT kb_articles_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT kb_articles_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE TABLE kb_events (
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
  type SMALLINT,
  occurred_at TIMESTAMP WITH TIME ZONE,
  session UUID,
  article UUID,
  results_count INTEGER,
  is_helpful BOOLEAN,
  term TEXT,
  words JSONB,
  customer BIGINT,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT kb_events_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT kb_events_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX kb_events_tenant_id_article_idx ON kb_events (tenant_id, article);
CREATE INDEX kb_events_tenant_id_customer_idx ON kb_events (tenant_id, customer);
CREATE INDEX kb_events_tenant_id_session_occurred_at_idx
  ON kb_events (tenant_id, session, occurred_at);
CREATE INDEX kb_events_tenant_id_type_occurred_at_idx ON kb_events (tenant_id, type, occurred_at);
CREATE TABLE sessions (
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
  kind SMALLINT,
  started_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  outcome SMALLINT,
  channel INTEGER,
  topic INTEGER,
  customer BIGINT,
  ticket UUID,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sessions_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX sessions_tenant_id_customer_started_at_idx
  ON sessions (tenant_id, customer, started_at);
CREATE INDEX sessions_tenant_id_ticket_idx ON sessions (tenant_id, ticket);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

GRANTS = {
    "csapi_api": {"SELECT, INSERT, UPDATE": TABLES},
    "csapi_worker": {
        "SELECT": ("kb_articles",),
        "SELECT, UPDATE": ("forms", "kb_events", "sessions"),
    },
}

# What the planner may take for granted before the first ANALYZE: ids are unique, and a tenant is
# as large as its table (0001 and 0002 say why).
DISTINCT = {
    "forms": {"id": -1, "external_id": -1, "customer": -0.5},
    "kb_articles": {"id": -1, "external_id": -1},
    "kb_events": {
        "id": -1, "external_id": -1, "session": -0.2, "article": -0.05, "customer": -0.1
    },
    "sessions": {"id": -1, "external_id": -1, "customer": -0.5, "ticket": -0.9},
}  # fmt: skip

SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', {width}, 'n_distinct', {distinct}::real)
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
        say_distinct(table, "tenant_id", 1, 16)
        for column, distinct in DISTINCT[table].items():
            say_distinct(table, column, distinct, 12 if column == "external_id" else 8)
    for role, grants in GRANTS.items():
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")


def say_distinct(table: str, column: str, distinct: float, width: int) -> None:
    op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct, width=width))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
