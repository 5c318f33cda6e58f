"""Customers: who the facts are about. Names and addresses stay here, apart from facts."""

from enum import StrEnum
from typing import Annotated

import msgspec

from csapi.facts.customer_tables import customers
from csapi.facts.effective import check_periods, holds_at, steps
from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import CustomerOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, CHOSEN, fact_select, lateral
from csapi.facts.tags import TAGS_COLUMN
from csapi.facts.wire import Custom, Key, Record, Tags, Text
from csapi.kit.quantities import UtcDatetime


class CustomerType(StrEnum):
    """A human being, or a company."""

    person = "person"
    company = "company"


class CustomerStatus(StrEnum):
    """Whether somebody is your customer. Writing to support makes nobody one."""

    active = "active"
    churned = "churned"


class SegmentPeriod(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The segment from `from` until before `to`; null is open-ended."""

    segment: Key
    from_: UtcDatetime | None = msgspec.field(name="from", default=None)
    to: UtcDatetime | None = None


class StatusPeriod(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The status from `from` until before `to`; null is open-ended."""

    status: CustomerStatus
    from_: UtcDatetime | None = msgspec.field(name="from", default=None)
    to: UtcDatetime | None = None


class Customer(Record):
    """A customer, as the source of the tickets and calls names it.

    `segment` holds for all time; `segments` say which held when. `statuses` say from when to when
    somebody was your customer, `created_at` since when you know this one. Name, e-mail and phone
    are kept here alone, and in no number.
    """

    source_updated_at: UtcDatetime | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    company: Text | None = None
    type: CustomerType | None = None
    registered: bool | None = None
    created_at: UtcDatetime | None = None
    segment: Key | None = None
    segments: Annotated[list[SegmentPeriod], msgspec.Meta(max_length=200)] = []
    statuses: Annotated[list[StatusPeriod], msgspec.Meta(max_length=200)] = []
    tags: Tags = []
    locale: Key | None = None
    country: Key | None = None
    custom: Custom = {}
    deleted: bool = False


STATUSES = {
    CustomerStatus.active: CustomerOutcome.ACTIVE,
    CustomerStatus.churned: CustomerOutcome.CHURNED,
}


def check_segments(customer: Customer) -> tuple[str, str, str] | None:
    if customer.segment is not None and customer.segments:
        return "/segments", "invalid_value", "Give segment or segments, not both."
    return check_periods(customer.segments, "segments")


def check_statuses(customer: Customer) -> tuple[str, str, str] | None:
    return check_periods(customer.statuses, "statuses")


def customer_row(customer: Customer, lookup: Lookup) -> tuple[object, ...]:
    if customer.deleted:
        return (customer.name, *[None] * len(PLAIN), *lookup.custom(customer.custom))
    registered = customer.registered
    return (
        customer.name,
        lookup.label(Dimension.SEGMENT, customer.segment),
        customer.created_at,
        *steps(customer.segments, lambda each: lookup.label(Dimension.SEGMENT, each.segment)),
        *steps(customer.statuses, lambda each: int(STATUSES[each.status])),
        lookup.label(Dimension.CUSTOMER_TYPE, customer.type),
        lookup.label(Dimension.REGISTERED, None if registered is None else str(registered).lower()),
        lookup.label(Dimension.COUNTRY, customer.country),
        lookup.label(Dimension.LOCALE, customer.locale),
        lookup.tags(customer.tags),
        *lookup.custom(customer.custom),
    )


PLAIN = (
    Column("segment", "integer"),
    Column("created_at", "timestamptz"),
    Column("segment_since", "timestamptz[]"),
    Column("segment_values", "integer[]"),
    Column("status_since", "timestamptz[]"),
    Column("status_values", "integer[]"),
    Column("type", "integer"),
    Column("registered", "integer"),
    Column("country", "integer"),
    Column("locale", "integer"),
    TAGS_COLUMN,
)

# Known since it was made, else since the first status that has a date.
KNOWN_SINCE = """coalesce(c.created_at, (
    SELECT min(s.at) FROM unnest(c.status_since) AS s (at) WHERE s.at <> '-infinity'))"""

# A customer is what it is between two points: where it becomes known, or another status or segment
# comes.
CUSTOMER_EVENTS = f"""
  SELECT {Kind.CUSTOMER}, p.nth * 2 + edge.is_end,
    coalesce({holds_at("c.status_values", "c.status_since", "p.at")}, {CustomerOutcome.UNKNOWN}),
    edge.at, NULL::int, NULL::int, NULL::bigint, edge.sign * 10000::bigint, NULL::bigint, true, p.at
  FROM (
    SELECT at, lead(at) OVER w AS next_at, (row_number() OVER w)::int AS nth
    FROM (SELECT known.since UNION SELECT unnest(c.segment_since)
          UNION SELECT unnest(c.status_since)) AS points (at)
    WHERE at >= known.since WINDOW w AS (ORDER BY at)
  ) AS p
  CROSS JOIN LATERAL (VALUES (0, p.at, 1), (1, p.next_at, -1)) AS edge (is_end, at, sign)
  WHERE edge.at IS NOT NULL"""

# What earlier versions kept in the items alone.
PLACES = {"country": Dimension.COUNTRY, "locale": Dimension.LOCALE}


def refill_place(name: str, dimension: Dimension) -> tuple[str, str]:
    chosen = (
        "r.tenant_id = $1 AND r.id = ANY($2::uuid[]) AND NOT r.is_stub AND NOT r.is_deleted "
        f"AND r.{name} IS NULL AND r.item->>'{name}' IS NOT NULL"
    )
    return (
        f"""INSERT INTO members (tenant_id, dimension, key)
        SELECT DISTINCT $1::uuid, {dimension}::smallint, normalize(r.item->>'{name}', NFC)
        FROM customers r WHERE {chosen} ON CONFLICT DO NOTHING""",
        f"""UPDATE customers r SET {name} = m.member FROM members m
        WHERE {chosen} AND m.tenant_id = $1 AND m.dimension = {dimension}
          AND m.key = normalize(r.item->>'{name}', NFC)""",
    )


SEGMENT = "{0}.segment, {0}.segment_since, {0}.segment_values"
CUSTOMERS = RecordKind(
    name="customers",
    table=customers.name,
    resource=Resource.CUSTOMER,
    item=Customer,
    columns=(Column("name", "text"), *PLAIN, *attribute_columns()),
    row=customer_row,
    instants=("created_at",),
    checks=(check_segments, check_statuses),
    returning=(
        "surrogate",
        f"({SEGMENT.format('old')}) IS DISTINCT FROM ({SEGMENT.format('new')}) AS segment_moved",
    ),
    people="SELECT surrogate AS customer FROM customers "
    "WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
    derivation=fact_select(
        resource=Resource.CUSTOMER,
        source=f"customers c CROSS JOIN LATERAL (SELECT {KNOWN_SINCE} AS since) AS known "
        + lateral(CUSTOMER_EVENTS, "seen"),
        dimensions={
            "customer": "c.surrogate",
            **{name: f"c.{name}" for name in ATTRIBUTES},
            "tags": "c.tags",
        },
        seen="e.seen",
        where=f"{CHOSEN} AND c.merged_into IS NULL",
    ),
    refill=tuple(sql for place in PLACES.items() for sql in refill_place(*place)),
)
