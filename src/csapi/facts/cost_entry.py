"""The cost book: what an hour of an agent costs, and what the house costs a month.

An entry holds from a day on. A later one for the same agent, team or cost takes its place from its
own day on, so what is there need never be edited.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from msgspec import Meta

from csapi.facts.cost_tables import cost_book
from csapi.facts.interval import cut, millisecond
from csapi.facts.kinds import VALUE_SCALE, CostScope, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime

FIRST_DAY, LAST_DAY = date(2015, 1, 1), date(2199, 12, 31)
Currency = Annotated[
    str, Meta(pattern="^[A-Z]{3}$", max_length=3, description="ISO 4217, the same in all entries")
]
HourlyRate = Annotated[float, Meta(ge=0, le=10_000_000)]
MonthlyCost = Annotated[float, Meta(ge=0, le=100_000_000_000)]
Rule = tuple[str, str, str]


class CostEntry(Record):
    """What something costs from the local day `valid_from` on, until before `valid_to`, or until a
    later entry for the same.

    Either an `hourly_rate`, of an agent, of a team, or of everybody else; or a
    `fixed_cost_per_month`, by its `name`.
    """

    currency: Currency
    valid_from: date
    source_updated_at: UtcDatetime | None = None
    valid_to: date | None = None
    hourly_rate: HourlyRate | None = None
    agent: Key | None = None
    team: Key | None = None
    fixed_cost_per_month: MonthlyCost | None = None
    name: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def check_days(entry: CostEntry) -> Rule | None:
    for name, day in (("valid_from", entry.valid_from), ("valid_to", entry.valid_to)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            message = f"Costs are counted from {FIRST_DAY} until {LAST_DAY}."
            return f"/{name}", "out_of_range", message
    if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
        return "/valid_to", "out_of_range", "An entry must end after it starts."
    return None


def check_amount(entry: CostEntry) -> Rule | None:
    """One amount; a tombstone may do without."""
    if entry.hourly_rate is None and entry.fixed_cost_per_month is None and not entry.deleted:
        return "/hourly_rate", "required", "Give hourly_rate or fixed_cost_per_month."
    if entry.hourly_rate is not None and entry.fixed_cost_per_month is not None:
        return "/fixed_cost_per_month", "invalid_value", "Not beside hourly_rate: send two entries."
    return None


def check_subject(entry: CostEntry) -> Rule | None:
    """What the amount is of."""
    if entry.agent is not None and entry.team is not None:
        return "/team", "invalid_value", "A rate is that of an agent or of a team, not of both."
    if entry.fixed_cost_per_month is None:
        if entry.name is not None:
            return "/name", "invalid_value", "Only a fixed cost has a name."
        return None
    for name in ("agent", "team"):
        if getattr(entry, name) is not None:
            return f"/{name}", "invalid_value", "A fixed cost is that of the whole house."
    return None


def ten_thousandths(amount: float) -> int:
    """`amount` x 10,000, halves up, of the decimal number that was written."""
    return int((Decimal(repr(amount)) * VALUE_SCALE).quantize(Decimal(1), ROUND_HALF_UP))


def cost_row(entry: CostEntry, lookup: Lookup) -> tuple[object, ...]:
    agent = lookup.agent(entry.source, entry.agent)
    team = lookup.team(entry.source, entry.team)
    scope = CostScope.DEFAULT
    if entry.fixed_cost_per_month is not None:
        scope = CostScope.FIXED
    elif agent is not None:
        scope = CostScope.AGENT
    elif team is not None:
        scope = CostScope.TEAM
    given = (entry.hourly_rate, entry.fixed_cost_per_month)
    amount = next((each for each in given if each is not None), None)
    return (
        int(scope),
        next((each for each in (agent, team) if each is not None), 0),
        entry.name,
        None if amount is None else ten_thousandths(amount),
        entry.currency,
        entry.valid_from,
        entry.valid_to,
        *lookup.custom(entry.custom),
    )


def share_until(instant: str) -> str:
    """What of a month's cost is spent between the start of a month and an instant; halves up."""
    spent = f"c.amount::numeric * ({millisecond(instant)} - {millisecond('month.starts_at')})"
    return f"div(2 * {spent} + month.length_ms, 2 * month.length_ms)"


# Shares of a month are rounded at their ends, so that they add up to what the month costs.
FIXED_EVENTS = f"""
  SELECT {Kind.FIXED_COST}, (row_number() OVER (ORDER BY piece.starts_at))::int, 0, piece.starts_at,
    NULL::int, NULL::int, NULL::bigint,
    ({share_until("piece.ends_at")} - {share_until("piece.starts_at")})::bigint,
    NULL::bigint, true
  FROM jsonb_to_recordset(c.months)
    AS month (starts_at timestamptz, ends_at timestamptz, length_ms bigint)
  CROSS JOIN LATERAL {cut("tstzmultirange(tstzrange(month.starts_at, month.ends_at))")}"""

COST_BOOK = RecordKind(
    name="cost-book",
    table=cost_book.name,
    resource=Resource.COST_ENTRY,
    item=CostEntry,
    columns=(
        Column("scope", "smallint"),
        Column("member", "integer"),
        Column("name", "text"),
        Column("amount", "bigint"),
        Column("currency", "text"),
        Column("valid_from", "date"),
        Column("valid_to", "date"),
        *attribute_columns(),
    ),
    row=cost_row,
    instants=(),
    checks=(check_days, check_amount, check_subject),
    derivation=fact_select(
        resource=Resource.COST_ENTRY,
        source=f"cost_book c {lateral(FIXED_EVENTS)}",
        dimensions={name: f"c.{name}" for name in ATTRIBUTES},
    ),
)
