"""What tenants keep beside records and may name somebody in: questions, reports, their answers.

A name is replaced only where it says which customer is meant: in a filter by customer, in a member
of a row or a column, under the word `customer`. The number 7 in a figure is nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

Connection = Any
CUSTOMER = "customer"

# Table, its key, the column.
DOCUMENTS = (
    ("saved_queries", "name", "question"),
    ("custom_metrics", "id", "definition"),
    ("reports", "id", "content"),
    ("report_runs", "id", "content"),
    ("goals", "id", "content"),
    ("alerts", "id", "content"),
    ("alert_events", "id", "content"),
)
FILES = ("export_chunks", "export_marks")

NAMES = """
SELECT id, source, external_id, name FROM customers WHERE tenant_id = $1 AND erasure = $2"""
MENTIONING = """
SELECT {key}::text AS key, {column}::text AS text FROM {table}
WHERE tenant_id = $1 AND EXISTS (
  SELECT 1 FROM unnest($2::text[]) AS n (name) WHERE strpos({column}::text, n.name) > 0)"""
REPLACE = """
UPDATE {table} SET {column} = $3::text::json WHERE tenant_id = $1 AND {key}::text = $2"""
STATEMENTS = {
    table: tuple(sql.format(table=table, key=key, column=column) for sql in (MENTIONING, REPLACE))
    for table, key, column in DOCUMENTS
}
FORGET_ANSWERS = """
DELETE FROM idempotency WHERE tenant_id = $1 AND EXISTS (
  SELECT 1 FROM unnest($2::text[]) AS n (name)
  WHERE position(convert_to(n.name, 'UTF8') IN body) > 0)
RETURNING 1"""

DROP_EXPORTS = "DELETE FROM exports WHERE tenant_id = $1 RETURNING id"
DROP_FILES = "DELETE FROM {table} WHERE tenant_id = $1 AND export = ANY($2::uuid[])"


@dataclass(frozen=True, slots=True)
class Names:
    """What somebody is called from now on, by what they are filtered by and by what is shown."""

    keys: Mapping[str, str]
    labels: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.keys)


def renamed(value: Any, names: Names, *, here: bool = False, members: bool = False) -> Any:
    """A document without the names. `here`: a text that stands here is a customer. `members`: the
    document is about customers, so that a member with their key may be one."""
    if isinstance(value, str):
        return names.keys.get(value, names.labels.get(value, value)) if here else value
    if isinstance(value, list):
        return [renamed(each, names, here=here, members=members) for each in value]
    if not isinstance(value, dict):
        return value
    said = {CUSTOMER}
    if value.get("dimension") == CUSTOMER:
        said.add("values")
    if "key" in value and "label" in value and is_shown(value, names, members=members):
        said |= {"key", "label"}
    return {
        name: renamed(each, names, here=here or name in said, members=members)
        for name, each in value.items()
    }


def is_shown(member: dict[str, Any], names: Names, *, members: bool) -> bool:
    label, key = member["label"], member["key"]
    if isinstance(label, str) and label in names.labels:
        return True
    return members and isinstance(key, str) and key in names.keys


def without_names(document: Any, names: Names, text: str) -> Any:
    return renamed(document, names, members=f'"{CUSTOMER}"' in text)


async def names_of(connection: Connection, tenant_id: UUID, erasure: UUID) -> Names:
    rows = await connection.fetch(NAMES, tenant_id, erasure)
    keys, labels = {}, {}
    for row in rows:
        alias = f"erased-{row['id']}"
        if row["external_id"] == alias:
            continue
        keys[row["external_id"]] = alias
        keys[f"{row['source']}:{row['external_id']}"] = f"{row['source']}:{alias}"
        if row["name"]:
            labels[row["name"]] = alias
    return Names(keys, labels)


def as_json(text: str) -> str:
    """How a text stands in JSON, without the quotes."""
    return msgspec.json.encode(text).decode()[1:-1]


async def rename_documents(
    connection: Connection, tenant_id: UUID, erasure: UUID
) -> dict[str, int]:
    """Take the names out of documents; how many were changed, by table."""
    names = await names_of(connection, tenant_id, erasure)
    changed: dict[str, int] = {}
    wanted = [as_json(each) for each in (*names.keys, *names.labels)]
    for table, (find, replace) in STATEMENTS.items() if names else ():
        for row in await connection.fetch(find, tenant_id, wanted):
            document = msgspec.json.decode(row["text"])
            if (without := without_names(document, names, row["text"])) != document:
                text = msgspec.json.encode(without).decode()
                await connection.execute(replace, tenant_id, row["key"], text)
                changed[table] = changed.get(table, 0) + 1
    answers = await connection.fetch(FORGET_ANSWERS, tenant_id, wanted)
    return changed | ({"idempotency": len(answers)} if answers else {})


async def drop_files(connection: Connection, tenant_id: UUID) -> int:
    """Take away all files of exports: who is in them is not known. How many exports there were."""
    rows = await connection.fetch(DROP_EXPORTS, tenant_id)
    ids = [row["id"] for row in rows]
    # Whoever was writing one of them has committed by now, or finds it gone.
    for table in FILES:
        await connection.execute(DROP_FILES.format(table=table), tenant_id, ids)
    return len(ids)
