"""A family of refresh tokens goes on in another tenant, and ends in all of them."""

from alembic import op

revision = "0043"
down_revision = "0042"

END_FAMILY = """
CREATE FUNCTION end_family(family text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csapi, pg_catalog AS $$
BEGIN
  PERFORM set_config('csapi.family', family, true);
  DELETE FROM csapi.person_sessions s WHERE s.token_id = family;
  PERFORM set_config('csapi.family', '', true);
END
$$"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("CREATE INDEX person_sessions_token_id_idx ON person_sessions (token_id)")
    op.execute(
        "CREATE POLICY family ON person_sessions TO csapi_owner "
        "USING (token_id = current_setting('csapi.family', true))"
    )
    op.execute(END_FAMILY)
    op.execute("REVOKE ALL ON FUNCTION end_family(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION end_family(text) TO csapi_api")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP FUNCTION end_family(text)")
    op.execute("DROP POLICY family ON person_sessions")
    op.execute("DROP INDEX person_sessions_token_id_idx")
