"""Row-level security, keys and indexes of the migrated database, read from its catalog."""

import asyncpg
from tests.isolation.golden import (
    CLOSING_POLICY,
    FUNCTIONS_POLICY,
    FURTHER_POLICIES,
    OF_FUNCTIONS,
    SECURITY_DEFINERS,
    SWEPT_COLUMNS,
    TENANT_POLICY,
    WITHOUT_LEADING_TENANT,
    WITHOUT_TENANT,
)

TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
  EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
          AND a.atttypid = 'uuid'::regtype AND a.attnotnull) AS has_tenant
FROM pg_class c WHERE c.relnamespace = 'csapi'::regnamespace AND c.relkind IN ('r', 'p', 'f')"""

INDEXES = """
SELECT i.relname AS name, t.relname AS table_name, x.indisunique AS is_unique, a.attname AS first
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
WHERE t.relnamespace = 'csapi'::regnamespace"""

REFERENCES = """
SELECT k.conname AS name, a.attname AS first, b.attname AS first_there
FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
WHERE k.contype = 'f' AND k.connamespace = 'csapi'::regnamespace"""

DEFINERS = """
SELECT p.oid::regprocedure::text AS name, p.proconfig AS settings,
  array(SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END
        FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g) AS may_execute,
  pg_get_userbyid(p.proowner)::text AS owner
FROM pg_proc p
WHERE p.prosecdef AND p.pronamespace NOT IN ('pg_catalog'::regnamespace)"""


async def tenant_tables(admin: asyncpg.Connection) -> set[str]:
    return {row["name"] for row in await admin.fetch(TABLES)} - WITHOUT_TENANT - OF_FUNCTIONS


async def test_every_table_has_a_tenant_and_forced_row_level_security(
    admin: asyncpg.Connection,
) -> None:
    tables = {row["name"]: row for row in await admin.fetch(TABLES)}
    assert len(tables) >= 20
    without = {name for name, row in tables.items() if not row["has_tenant"]}
    assert without == WITHOUT_TENANT | OF_FUNCTIONS
    open_ones = [
        name
        for name, row in tables.items()
        if name not in WITHOUT_TENANT and not (row["enabled"] and row["forced"])
    ]
    assert open_ones == []


async def test_policies_have_their_golden_form(admin: asyncpg.Connection) -> None:
    found: dict[str, dict[str, object]] = {}
    for row in await admin.fetch("SELECT * FROM pg_policies WHERE schemaname = 'csapi'"):
        assert row["permissive"] == "PERMISSIVE"
        policy = (tuple(sorted(row["roles"])), row["cmd"], row["qual"], row["with_check"])
        found.setdefault(row["tablename"], {})[row["policyname"]] = policy
    expected = {
        table: {
            "tenant": TENANT_POLICY,
            "closing": CLOSING_POLICY,
            **FURTHER_POLICIES.get(table, {}),
        }
        for table in await tenant_tables(admin)
    } | {table: {"functions": FUNCTIONS_POLICY} for table in OF_FUNCTIONS}
    assert found == expected


async def test_what_the_worker_sees_of_all_tenants_is_ids_only(admin: asyncpg.Connection) -> None:
    rows = await admin.fetch(
        "SELECT table_name, array_agg(column_name::text) AS columns "
        "FROM information_schema.columns "
        "WHERE table_schema = 'csapi' AND table_name = ANY($1::text[]) GROUP BY 1",
        list(SWEPT_COLUMNS),
    )
    assert {row["table_name"]: set(row["columns"]) for row in rows} == SWEPT_COLUMNS


async def test_every_index_and_key_starts_with_the_tenant(admin: asyncpg.Connection) -> None:
    known = WITHOUT_TENANT | OF_FUNCTIONS
    indexes = [row for row in await admin.fetch(INDEXES) if row["table_name"] not in known]
    assert len(indexes) > 30
    others = {row["name"]: row["is_unique"] for row in indexes if row["first"] != "tenant_id"}
    assert others == dict.fromkeys(WITHOUT_LEADING_TENANT, False)


async def test_every_foreign_key_starts_with_the_tenant(admin: asyncpg.Connection) -> None:
    wrong = [
        row["name"]
        for row in await admin.fetch(REFERENCES)
        if (row["first"], row["first_there"]) != ("tenant_id", "tenant_id")
    ]
    assert wrong == []


async def test_there_is_no_view_that_could_see_past_policies(admin: asyncpg.Connection) -> None:
    views = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'csapi'::regnamespace "
        "AND (relkind = 'm' OR relkind = 'v' "
        "  AND NOT coalesce(reloptions @> '{security_invoker=true}', false))"
    )
    assert views == []


async def test_security_definer_functions_are_the_known_ones(admin: asyncpg.Connection) -> None:
    definers = await admin.fetch(DEFINERS)
    assert {row["name"].removeprefix("csapi.") for row in definers} == set(SECURITY_DEFINERS)
    for row in definers:
        name = row["name"].removeprefix("csapi.")
        assert row["owner"] == "csapi_owner", name
        assert set(row["may_execute"]) == SECURITY_DEFINERS[name], name
        (path,) = [each for each in row["settings"] or () if each.startswith("search_path=")]
        schemas = [each.strip() for each in path.removeprefix("search_path=").split(",")]
        assert {"pg_catalog", "csapi"} <= set(schemas) <= {"pg_catalog", "csapi", "pg_temp"}, name


async def test_no_other_function_can_be_slipped_in(admin: asyncpg.Connection) -> None:
    schemas = await admin.fetch(
        "SELECT n.nspname, r.rolname FROM pg_namespace n CROSS JOIN pg_roles r "
        "WHERE n.nspname IN ('csapi', 'public') AND r.rolname IN ('csapi_api', 'csapi_worker') "
        "AND has_schema_privilege(r.oid, n.oid, 'CREATE')"
    )
    assert schemas == []


async def test_there_are_no_triggers_and_no_rules(admin: asyncpg.Connection) -> None:
    triggers = await admin.fetch(
        "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT t.tgisinternal AND c.relnamespace = 'csapi'::regnamespace"
    )
    rules = await admin.fetch("SELECT rulename FROM pg_rules WHERE schemaname = 'csapi'")
    assert (triggers, rules) == ([], [])
