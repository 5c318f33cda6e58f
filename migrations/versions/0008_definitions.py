"""Which derivation the facts of a tenant come from, by resource."""

from alembic import op

revision = "0008"
down_revision = "0007"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE definitions (
          tenant_id UUID NOT NULL,
          resource SMALLINT NOT NULL,
          fingerprint BIGINT NOT NULL,
          target BIGINT,
          reached UUID,
          CONSTRAINT definitions_pkey PRIMARY KEY (tenant_id, resource))""")
    # Whoever is there already has facts of earlier derivations; later tenants have none.
    op.execute("""
        INSERT INTO definitions (tenant_id, resource, fingerprint)
        SELECT tenant_id, resource, 0 FROM tenants CROSS JOIN generate_series(1, 4) AS r (resource)
    """)
    op.execute("ALTER TABLE definitions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE definitions FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON definitions TO csapi_api, csapi_worker "
        f"USING ({POLICY}) WITH CHECK ({POLICY})"
    )
    op.execute("CREATE POLICY sweep ON definitions FOR SELECT TO csapi_worker USING (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON definitions TO csapi_worker")
    op.execute("GRANT SELECT ON definitions TO csapi_api")
    # Columns that earlier versions did not fill are filled from the stored items.
    op.execute("GRANT UPDATE ON ticket_events TO csapi_worker")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("REVOKE UPDATE ON ticket_events FROM csapi_worker")
    op.execute("DROP TABLE definitions")
