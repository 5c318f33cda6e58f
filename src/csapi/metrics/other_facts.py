"""What is told of a fact `f` by others: those of the same customer, or of the same record. SQL."""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome
from csapi.metrics.parts import ON_TOPIC, Measure

# Whether the same customer's next contact is on another channel.
IS_SWITCHED = f"""(f.channel IS DISTINCT FROM (SELECT n.channel FROM facts n
    WHERE n.tenant_id = f.tenant_id AND n.kind = {Kind.CONTACT} AND n.customer IS NOT NULL
      AND n.customer = f.customer
      AND (n.occurred_at, n.ordinal, n.subject) > (f.occurred_at, f.ordinal, f.subject)
    ORDER BY n.occurred_at, n.ordinal, n.subject LIMIT 1))::int"""


def on_topic(measure: Measure, limit: int) -> str:
    """Whether a contact has another one of its customer and topic within so many ms."""
    order, gap = (
        (">", "q.occurred_at - f.occurred_at")
        if measure is Measure.NEXT_ON_TOPIC_N
        else ("<", "f.occurred_at - q.occurred_at")
    )
    return f"""(coalesce(f.{ON_TOPIC[measure]} <= {limit}, false) AND EXISTS (
    SELECT 1 FROM facts q WHERE q.tenant_id = f.tenant_id AND q.kind = {Kind.CONTACT}
      AND q.customer IS NOT NULL AND q.customer = f.customer
      AND (q.occurred_at, q.ordinal, q.subject) {order} (f.occurred_at, f.ordinal, f.subject)
      AND {gap} <= interval '{limit} milliseconds' AND (f.topic IS NULL OR q.topic = f.topic)
  ))::int"""


def of_record(condition: str) -> str:
    """Whether there is such a fact `d` of the same record."""
    return (
        "EXISTS (SELECT 1 FROM facts d WHERE d.tenant_id = f.tenant_id "
        f"AND d.subject = f.subject AND {condition})"
    )


ANSWERED = (
    f"d.kind = {Kind.CALL} AND d.outcome = {CallOutcome.ANSWERED} AND d.value IS DISTINCT FROM 0"
)
# A call that was answered and not flagged as unresolved; a ticket that a person replied to and
# whose last solve stands.
IS_RESOLVED = (
    f"({of_record(ANSWERED)} OR {of_record(f'd.kind = {Kind.CLOSED}')}"
    f" AND {of_record(f'd.kind = {Kind.FIRST_RESPONSE}')})"
)
