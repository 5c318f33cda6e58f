"""The frame of every derivation: which columns a fact has, and in which order."""

from sqlalchemy.dialects import postgresql

from csapi.facts.business_hours import Clock, business_ms
from csapi.facts.effective import holds_at
from csapi.facts.kinds import DEFINITION_VERSION, Resource
from csapi.facts.outcomes import ContactOutcome
from csapi.facts.tables import ATTRIBUTE_SLOTS, facts

ATTRIBUTES = tuple(f"attr{slot}" for slot in range(1, ATTRIBUTE_SLOTS + 1))
FACT_COLUMNS = tuple(facts.columns.keys())
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
FACT_TYPES = {name: facts.c[name].type.compile(dialect=DIALECT) for name in FACT_COLUMNS}

CONTACT_VALUES = (
    f"CASE WHEN c.customer IS NULL THEN {ContactOutcome.UNIDENTIFIED} "
    f"ELSE {ContactOutcome.IDENTIFIED} END"
)

# Contacts of one instant need an order that no order of arrival changes; ids come with arrival.
TIE_BREAK = "('x' || left(md5(c.source || chr(31) || c.external_id), 7))::bit(28)::int"

CHOSEN = "c.tenant_id = $1 AND c.id = ANY($2::uuid[]) AND NOT c.is_stub AND NOT c.is_deleted"

EVENT_COLUMNS = (
    "kind", "ordinal", "outcome", "at", "agent", "team", "duration", "value", "negative", "counts",
)  # fmt: skip


def milliseconds_between(earlier: str, later: str) -> str:
    return f"(extract(epoch FROM {later} - {earlier}) * 1000)::bigint"


def lateral(events: str, *more: str) -> str:
    """The events of each subject `c` computed beside it; `more`: columns after EVENT_COLUMNS."""
    return f"CROSS JOIN LATERAL ({events}\n) AS e ({', '.join([*EVENT_COLUMNS, *more])})"


def nobody(table: str) -> str:
    """The customers of records that know none."""
    return (
        f"SELECT NULL::bigint AS customer FROM {table} "
        "WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND false"
    )


def fact_select(
    *,
    resource: Resource,
    source: str,
    dimensions: dict[str, str],
    where: str = CHOSEN,
    actor: str = "e.agent",
    owner: tuple[str, str] | None = None,
    seen: str = "e.at",
    before: str = "",
    clock: Clock | None = None,
) -> str:
    """A SELECT of all facts of the subjects $2 of tenant $1.

    source: FROM items with the subject's row as `c` and its events as `e`, which has at least the
    EVENT_COLUMNS. before: a WITH clause. dimensions: the fact column to its expression; what is
    not named is null. where: which subjects. actor: who acted. owner: agent and team who owned the
    subject, where that may be another. seen: the instant that teams are looked up at. The team of
    an agent is the one on the record, else the one that the agent belonged to at that instant. The
    customer is the one that the named one was merged into, with the segment of that instant.
    clock: by whose hours business time is measured; without it nothing has any.

    LIMIT 1 and OFFSET 0 change nothing but the plan. Without the one the planner may read everybody
    in order to join a batch. Without the other it does so for each fact: under row-level security
    a plain column makes an index condition, coalesce() none.
    """
    owner_agent, owner_team = owner or (actor, "e.team")
    chosen_customer = dimensions.get("customer", "NULL")
    fixed = {
        "tenant_id": "c.tenant_id",
        "subject": "c.id",
        "kind": "e.kind",
        "ordinal": "e.ordinal",
        "resource": str(int(resource)),
        "outcome": "e.outcome",
        "definition_version": str(DEFINITION_VERSION),
        "occurred_at": "e.at",
        "actor_agent": "who.actor",
        "actor_team": "coalesce(e.team, acting.team)",
        "owner_agent": "who.owner",
        "owner_team": f"coalesce({owner_team}, {'owning' if owner else 'acting'}.team)",
        "segment": segment_at(seen),
        "duration_ms": "e.duration",
        "value": "e.value",
        "negative_ms": "e.negative",
    }
    chosen = fixed | dimensions
    if "customer" in dimensions:
        chosen["customer"] = "coalesce(person.merged_into, who.customer)"
    if clock is not None:
        chosen["business_ms"] = business_ms(clock, chosen.get("inbox", "NULL"))
    selected = ",\n  ".join(
        f"({chosen.get(name, 'NULL')})::{FACT_TYPES[name]} AS {name}" for name in FACT_COLUMNS
    )
    owning = "" if owner is None else team_join("owning", "who.owner", seen)
    return f"""{before}
SELECT
  {selected}
FROM {source}
CROSS JOIN LATERAL (
  SELECT ({chosen_customer})::bigint AS customer, ({actor})::int AS actor,
    ({owner_agent})::int AS owner OFFSET 0) who
LEFT JOIN LATERAL (
  SELECT merged_into, segment, segment_since, segment_values FROM customers
  WHERE tenant_id = $1 AND surrogate = who.customer LIMIT 1) person ON true
{team_join("acting", "who.actor", seen)}{owning}
WHERE {where}"""


def canonical(customer: str) -> str:
    """The customer that a named one was merged into; itself if it was not."""
    return (
        "(SELECT coalesce(o.merged_into, o.surrogate) FROM customers o "
        f"WHERE o.tenant_id = $1 AND o.surrogate = {customer} LIMIT 1)"
    )


def own_segment(alias: str, at: str) -> str:
    """The segment at an instant as a row of customers has it."""
    held = holds_at(f"{alias}.segment_values", f"{alias}.segment_since", at)
    return f"CASE WHEN {alias}.segment_since IS NULL THEN {alias}.segment ELSE {held} END"


def segment_at(at: str) -> str:
    """The segment of `person` at an instant; of a merged one, that of whom it was merged into."""
    return f"""CASE WHEN person.merged_into IS NULL THEN {own_segment("person", at)} ELSE (
    SELECT {own_segment("kept", at)} FROM customers kept
    WHERE kept.tenant_id = $1 AND kept.surrogate = person.merged_into LIMIT 1) END"""


def team_join(alias: str, agent: str, seen: str) -> str:
    return f"""
LEFT JOIN LATERAL (
  SELECT team FROM agent_teams
  WHERE tenant_id = $1 AND agent = {agent} AND valid_from <= {seen} AND {seen} < valid_to
  LIMIT 1) {alias} ON true"""
