"""Which customers come on a page: chosen among the facts that the engine counts, and named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from csapi.facts.customer import CUSTOMERS
from csapi.facts.kinds import Kind
from csapi.kit.cursors import cursor_at, place_before
from csapi.kit.db import Statement, run
from csapi.metrics.compile import Compiler, matching
from csapi.metrics.question import Question
from csapi.reports.menus.params import ContactsParams, ContactsSort
from csapi.reports.records_paging import Stored
from csapi.reports.service import Snapshot

# What customers are sorted by, as whole numbers.
RANKS = {
    ContactsSort.contacts: "count(*)",
    ContactsSort.first_contact: "(extract(epoch FROM min(at)) * 1000000)::bigint",
    ContactsSort.last_contact: "(extract(epoch FROM max(at)) * 1000000)::bigint",
}
REFS = f"""
SELECT surrogate, id, source, external_id, name FROM {CUSTOMERS.table}
WHERE tenant_id = $1 AND surrogate = ANY($2::bigint[])"""

Place = tuple[int, int]


class CustomerRef(msgspec.Struct, kw_only=True):
    """A customer: GET /v1/customers/{id} reads the record. `name` needs the scope names:read, and
    is null without it or where the source gives none."""

    id: str
    source: str
    external_id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class ChosenCustomer:
    """A customer by surrogate. rank: what the list is sorted by."""

    customer: int
    first_at: datetime
    last_at: datetime
    rank: int


async def read_page(
    snapshot: Snapshot, wanted: ContactsParams, question: Question
) -> tuple[list[ChosenCustomer], str | None]:
    """The customers of a page by their contacts within the question, and the next cursor. A page
    starts behind the last customer of the one before, whatever has come since."""
    after = place_before(wanted, tuple[Stored, Stored])
    statement = page_statement(snapshot, wanted, question, after)
    rows = await run(snapshot.connection, statement)
    page = [ChosenCustomer(**row) for row in rows[: wanted.limit]]
    if len(rows) <= wanted.limit:
        return page, None
    return page, cursor_at(wanted, (page[-1].rank, page[-1].customer))


def page_statement(
    snapshot: Snapshot, wanted: ContactsParams, question: Question, after: Place | None
) -> Statement:
    compiler = Compiler(snapshot.desk.tenant_id, question)
    period, add = question.period, compiler.arguments.add
    values = {"customer": "f.customer", "subject": "f.subject", "topic": "f.topic"}
    only = f"{matching(Kind.CONTACT, (), 'f.')} AND f.customer IS NOT NULL"
    rows = compiler.facts([(period.start, period.end)], values, only)
    way = "DESC" if wanted.sort.startswith("-") else "ASC"
    rank = RANKS[ContactsSort(wanted.sort.removeprefix("-"))]
    lists, having, chosen = "", "", []
    if after is not None:
        value, customer = add(after[0], "bigint"), add(after[1], "bigint")
        further = "<" if way == "DESC" else ">"
        chosen.append(f"(rank {further} {value} OR rank = {value} AND customer > {customer})")
    if wanted.min > 1:
        fewest, window = add(wanted.min, "integer"), add(wanted.window_days, "integer")
        lists, having = LISTS, f"\n  HAVING count(*) >= {fewest}"
        chosen.append(came_again(wanted.match, fewest, window))
    sql = f"""
SELECT customer, first_at, last_at, rank FROM (
  SELECT customer, min(at) AS first_at, max(at) AS last_at, {rank} AS rank{lists}
  FROM (
{rows}
  ) AS found GROUP BY customer{having}
) AS people{" WHERE " if chosen else ""}{" AND ".join(chosen)}
ORDER BY rank {way}, customer LIMIT {add(wanted.limit + 1, "bigint")}"""
    return Statement(sql, tuple(compiler.arguments.values))


# The contacts of a customer in their order.
LISTS = """,
    array_agg(at ORDER BY at, subject) AS times, array_agg(topic ORDER BY at, subject) AS topics"""


def came_again(match: str, fewest: str, window: str) -> str:
    """Whether so many contacts of a customer lie within so many days: of all, or of those about one
    topic, with which goes what has none."""
    contacts, together = "unnest(times) WITH ORDINALITY AS c (at, place)", ""
    if match == "customer_and_topic":
        together = "PARTITION BY t.about "
        contacts = """(SELECT DISTINCT about FROM unnest(topics) AS about) AS t
    JOIN unnest(times, topics) WITH ORDINALITY AS c (at, topic, place)
      ON c.topic IS NOT DISTINCT FROM t.about OR c.topic IS NULL"""
    return f"""EXISTS (
  SELECT FROM (
    SELECT c.at - lag(c.at, {fewest} - 1) OVER ({together}ORDER BY c.place) AS took
    FROM {contacts}
  ) AS spans WHERE took <= {window} * interval '1 day')"""


async def read_refs(snapshot: Snapshot, customers: Sequence[int]) -> Mapping[int, CustomerRef]:
    """Customers as they are told, by surrogate."""
    rows = await snapshot.connection.fetch(REFS, snapshot.desk.tenant_id, list(customers))
    is_named = snapshot.desk.names_customers
    return {
        row["surrogate"]: CustomerRef(
            id=str(row["id"]),
            source=row["source"],
            external_id=row["external_id"],
            name=row["name"] if is_named else None,
        )
        for row in rows
    }
