"""The rules hold for all of csapi, and each rule finds its own samples."""

import ast
from functools import cache
from pathlib import Path

import pytest
from tests.architecture.rules import (
    Rule,
    clock_is_read,
    pool_is_asked,
    sql_is_composed,
    tenant_is_set,
)

import csapi

SOURCES = Path(csapi.__file__).parent

# rule -> module -> why it may.
ALLOWED: dict[Rule, dict[str, str]] = {
    tenant_is_set: {"access/tenancy.py": "the one place"},
    clock_is_read: {
        "kit/clock.py": "the one place",
        "kit/queue.py": "two wake-ups within two seconds are one: no record depends on it",
    },
    pool_is_asked: {"kit/db.py": "the one place"},
    sql_is_composed: {},
}

SAMPLES: dict[Rule, tuple[list[str], list[str]]] = {
    tenant_is_set: (
        [
            "SQL = \"SET LOCAL csapi.tenant_id = 'x'\"",
            "connection.execute(f\"SET csapi.tenant_id = '{tenant}'\")",
            "connection.execute('SELECT set_config($1, $2, true)', name, value)",
            'QUERY = "select SET_CONFIG(1)"',
        ],
        ['"""Sets csapi.tenant_id elsewhere."""', "tenant_id = 1", 'SQL = "WHERE tenant_id = $1"'],
    ),
    clock_is_read: (
        [
            "import datetime\ndatetime.datetime.now()",
            "now = datetime.now(UTC)",
            "today = date.today()",
            "clock = time.time",
            "time.time_ns()",
            "from time import time",
        ],
        [
            "from csapi.kit.clock import now\nnow()",
            "time.monotonic() - time.perf_counter()",
            "time.sleep(1)",
            "row.time()",
            "from time import monotonic",
        ],
    ),
    pool_is_asked: (
        [
            "await pool.acquire()",
            "async with request.app.state.pool.acquire() as c: pass",
            "self._pool.acquire(timeout=None)",
            "await pool.fetch('SELECT 1')",
            "await self.pool.execute('SELECT 1')",
            "await pool.release(connection)",
        ],
        ["acquire(pool)", "lock.acquire()", "connection.fetch('SELECT 1')", "pool.close()"],
    ),
    sql_is_composed: (
        [
            "c.execute(f\"SELECT * FROM t WHERE name = '{name}'\")",
            "c.fetch(f'SELECT * FROM t ORDER BY {request.query_params[\"sort\"]}')",
            "c.fetchval(f'SELECT {wanted.field} FROM {table}')",
            "c.fetchrow('SELECT * FROM ' + source)",
            "c.fetch('SELECT * FROM t WHERE a = %s' % value)",
            "c.fetch('SELECT {x}'.format(x=value))",
            "c.execute(SQL.format(name))",
            "Statement(f'SELECT 1 WHERE a = {item.topic!r}')",
            "c.fetch(f'SELECT {clean(value)}')",
            "c.fetch(f'SELECT {value.strip()}')",
            "c.fetch(f'SELECT {TABLE.format(value)}')",
        ],
        [
            "c.execute('SELECT * FROM t WHERE name = $1', name)",
            "c.fetch(f'SELECT * FROM {table} WHERE id = $1', value)",
            "c.fetch(f'SELECT * FROM {kind.table}')",
            "c.execute(f'SET ROLE {OWNER}')",
            "c.fetch(f'SELECT {TABLES[resource].table}')",
            "c.fetch(ADD.format(table=kind.table, resource=int(resource)))",
            "Statement(f'SELECT 1 LIMIT {arguments.add(limit, \"bigint\")}')",
            "Statement(f'SELECT 1 WHERE {\" AND \".join(conditions)}')",
            "c.fetch(built_statement(value))",
            "print(f'{value}')",
        ],
    ),
}


def named(rule: Rule) -> str:
    return rule.__name__


@cache
def modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(SOURCES).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCES.rglob("*.py"))
    }


@pytest.mark.parametrize("rule", ALLOWED, ids=named)
def test_csapi_keeps_the_rule(rule: Rule) -> None:
    broken = [
        f"{name}:{finding.line}: {finding.what}"
        for name, tree in modules().items()
        if name not in ALLOWED[rule]
        for finding in rule(tree)
    ]
    assert broken == [], rule.__doc__


@pytest.mark.parametrize("rule", ALLOWED, ids=named)
def test_every_exception_is_still_needed(rule: Rule) -> None:
    for name in ALLOWED[rule]:
        assert list(rule(modules()[name])), f"{name} no longer needs its exception"


@pytest.mark.parametrize(
    ("rule", "sample"),
    [(rule, sample) for rule, (wrong, _) in SAMPLES.items() for sample in wrong],
)
def test_the_rule_finds(rule: Rule, sample: str) -> None:
    assert list(rule(ast.parse(sample)))


@pytest.mark.parametrize(
    ("rule", "sample"),
    [(rule, sample) for rule, (_, right) in SAMPLES.items() for sample in right],
)
def test_the_rule_leaves_alone(rule: Rule, sample: str) -> None:
    assert list(rule(ast.parse(sample))) == []


def test_every_rule_has_samples() -> None:
    assert set(SAMPLES) == set(ALLOWED)
    assert all(wrong and right for wrong, right in SAMPLES.values())
