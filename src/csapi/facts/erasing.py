"""Overwriting what is personal in records, and leaving every number as it is.

Whose a record is: the customer's that it names; without one, the customer's of the ticket, call,
request or session that it is about. Only columns that no derivation reads are written, so facts
stay equal to their derivation: a comment that was given stays one, of other words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from csapi.facts.erased_names import ERASED

Connection = Any


def own(row: str) -> str:
    """Whether a record names somebody who was erased, before or after that."""
    return f"""({row}.customer IS NULL AND {row}.item->>'customer' = '{ERASED}'
      OR EXISTS (SELECT 1 FROM customers p WHERE p.tenant_id = $1
        AND p.surrogate = {row}.customer AND p.erasure IS NOT NULL))"""


def about(row: str, table: str, link: str, further: str = "false") -> str:
    """Whether a record is about one of somebody's who was erased."""
    return (
        f"EXISTS (SELECT 1 FROM {table} AS of_{link} WHERE of_{link}.tenant_id = $1 "
        f"AND of_{link}.id = {row}.{link} AND ({own(f'of_{link}')} OR {further}))"
    )


def either(*conditions: str) -> str:
    return f"({' OR '.join(conditions)})"


def unnamed(*conditions: str) -> str:
    """Somebody's by name, or by what it is about if it names nobody."""
    return f"({own('r')} OR r.customer IS NULL AND {either(*conditions)})"


def through(row: str, table: str, link: str, *further: Callable[[str], str]) -> str:
    """Also about one that names nobody and is itself about one of theirs."""
    behind = either(*(condition(f"of_{link}") for condition in further))
    return about(row, table, link, f"of_{link}.customer IS NULL AND {behind}")


def of_ticket(row: str) -> str:
    return about(row, "tickets", "ticket")


def of_call(row: str) -> str:
    return through(row, "calls", "call", of_ticket)


OF_TICKET, OF_CALL = of_ticket("r"), of_call("r")
OF_REQUEST = through("r", "feedback_requests", "request", of_ticket, of_call)
OF_SESSION = through("r", "sessions", "session", of_ticket)
# A request that names somebody else says who answered.
OF_ANOTHER = """EXISTS (
  SELECT 1 FROM feedback_requests a WHERE a.tenant_id = $1 AND a.id = r.request
    AND a.customer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM customers p WHERE p.tenant_id = $1
      AND p.surrogate = a.customer AND p.erasure IS NOT NULL))"""


@dataclass(frozen=True, slots=True)
class Personal:
    """What is personal in the records of a table.

    whose: SQL of whether `r` is somebody's who was erased. texts: fields that go; said: fields of
    which only stays that there were words. columns: further columns, with what they become.
    links: columns that say what a record is about.
    """

    table: str
    whose: str
    links: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    has_customer: bool = True
    has_custom: bool = True
    further: tuple[tuple[str, str], ...] = ()


RECORDS = (
    Personal("tickets", own("r"), texts=("subject",)),
    Personal(
        "ticket_events",
        OF_TICKET,
        links=("ticket",),
        texts=("body",),
        # The actor of a message of the customer's is the customer.
        further=(("actor", "CASE WHEN r.actor IS NOT NULL THEN r.item->>'actor' END"),),
        has_customer=False,
        has_custom=False,
    ),
    Personal("calls", unnamed(OF_TICKET), links=("ticket",)),
    Personal("feedback_requests", unnamed(OF_TICKET, OF_CALL), links=("ticket", "call")),
    Personal(
        "feedback",
        f"({own('r')} OR r.customer IS NULL AND NOT {OF_ANOTHER} "
        f"AND {either(OF_TICKET, OF_CALL, OF_REQUEST)})",
        links=("ticket", "call", "request"),
        said=("comment",),
        columns=(("words", "CASE WHEN r.words IS NOT NULL THEN '[]'::jsonb END"),),
    ),
    Personal(
        "quality_reviews",
        either(OF_TICKET, OF_CALL),
        links=("ticket", "call"),
        texts=("comment",),
        has_customer=False,
    ),
    Personal("tasks", OF_TICKET, links=("ticket",), texts=("title",), has_customer=False),
    Personal("forms", unnamed(OF_TICKET), links=("ticket",)),
    Personal("sessions", unnamed(OF_TICKET), links=("ticket",)),
    Personal(
        "kb_events",
        unnamed(OF_SESSION),
        links=("session",),
        texts=("term",),
        columns=(("term", "NULL"), ("words", "NULL")),
    ),
    Personal("work_sessions", OF_TICKET, links=("ticket",), has_customer=False),
)

# Attributes that were declared are what numbers are grouped by.
DECLARED = """coalesce((SELECT jsonb_object_agg(c.key, c.value)
  FROM jsonb_each(r.item::jsonb->'custom') AS c
  JOIN custom_attributes a ON a.tenant_id = $1 AND a.name = c.key), '{}')"""


def alias(customer: str) -> str:
    """What an erased customer is called from now on: by the id of its row, which is ours."""
    return (
        "(SELECT 'erased-' || p.id FROM customers p WHERE p.tenant_id = $1 "
        f"AND p.surrogate = {customer} AND p.erasure IS NOT NULL LIMIT 1)"
    )


def replaced(fields: dict[str, str]) -> str:
    """The item with some of its fields replaced."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in fields.items())
    return f"(r.item::jsonb || jsonb_build_object({pairs}))::json"


def overwrite(personal: Personal) -> str:
    """Overwrite those of the records $2 of tenant $1 that are somebody's who was erased."""
    fields = dict.fromkeys(personal.texts, "NULL") | dict(personal.further)
    for name in personal.said:
        fields[name] = f"CASE WHEN r.item->>'{name}' ~ '[^[:space:]]' THEN '{ERASED}' END"
    if personal.has_custom:
        fields["custom"] = DECLARED
    if personal.has_customer:
        fields["customer"] = f"coalesce({alias('r.customer')}, r.item->>'customer')"
    columns = "".join(f", {name} = {value}" for name, value in personal.columns)
    return f"""
UPDATE {personal.table} r SET item = {replaced(fields)}{columns}
WHERE r.tenant_id = $1 AND r.id = ANY($2::uuid[]) AND {personal.whose} RETURNING r.id"""


OVERWRITE = {each.table: overwrite(each) for each in RECORDS}

PERSONAL = ("name", "email", "phone", "company")
OVERWRITE_CUSTOMERS = f"""
UPDATE customers r SET external_id = 'erased-' || r.id, name = NULL, content_hash = 0,
  item = {
    replaced(
        dict.fromkeys(PERSONAL, "NULL") | {"external_id": "'erased-' || r.id", "custom": DECLARED}
    )
}
WHERE r.tenant_id = $1 AND r.erasure = $2 RETURNING r.id"""

OVERWRITE_MERGES = f"""
UPDATE customer_merges r SET external_id = coalesce({alias("r.from_customer")}, r.external_id),
  content_hash = 0,
  item = {
    replaced(
        {
            "from": f"coalesce({alias('r.from_customer')}, r.item->>'from')",
            "into": f"coalesce({alias('r.into_customer')}, r.item->>'into')",
            "custom": "'{}'::jsonb",
        }
    )
}
WHERE r.tenant_id = $1 AND (r.from_customer = ANY($2::bigint[]) OR r.into_customer = ANY($2))
RETURNING r.id"""


# How records say that they are about one of a table.
LINKS = {
    "tickets": "ticket",
    "calls": "call",
    "feedback_requests": "request",
    "sessions": "session",
}


async def overwrite_erased(
    connection: Connection, tenant_id: UUID, table: str, ids: Sequence[UUID]
) -> list[UUID]:
    """Overwrite what is personal in those of the records that are somebody's who was erased; which
    those are."""
    if table not in OVERWRITE or not ids:
        return []
    return [row["id"] for row in await connection.fetch(OVERWRITE[table], tenant_id, ids)]


async def overwrite_about(
    connection: Connection, tenant_id: UUID, table: str, ids: Sequence[UUID]
) -> None:
    """The same in what is about records that have turned out to be somebody's who was erased: it
    may have come before them."""
    link = LINKS.get(table)
    for each in RECORDS if link and ids else ():
        if link not in each.links:
            continue
        sql = f"SELECT id FROM {each.table} WHERE tenant_id = $1 AND {link} = ANY($2::uuid[])"
        found = [row["id"] for row in await connection.fetch(sql, tenant_id, ids)]
        touched = await overwrite_erased(connection, tenant_id, each.table, found)
        await overwrite_about(connection, tenant_id, each.table, touched)
