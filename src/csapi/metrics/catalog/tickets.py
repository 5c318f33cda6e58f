"""Tickets: flow and speed."""

from dataclasses import replace

from csapi.facts.kinds import Kind, MessageOutcome, ResolutionOutcome, Told
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    EVENT,
    HIGHER,
    LOWER,
    NEUTRAL,
    OWNER,
    averaged,
    counted,
    within,
)
from csapi.metrics.formulas import Facts, MergeClass, Metric, Unit, value_sum

FIRST_SOLVES = Facts(Kind.RESOLUTION, (ResolutionOutcome.ONLY, ResolutionOutcome.FIRST))
LAST_SOLVES = Facts(Kind.RESOLUTION, (ResolutionOutcome.ONLY, ResolutionOutcome.LAST))


def messages(
    metric_id: str,
    label: str,
    outcome: MessageOutcome,
    description: str,
    needs: Told | None = None,
) -> Metric:
    facts = Facts(Kind.MESSAGE, (outcome,))
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum of messages",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda _: replace(value_sum(facts), needs=needs),
        example="Two messages on one ticket and one on another give 3.",
        pitfalls="Of a source that only sends totals, all messages of a ticket count at its start "
        "or at its first reply; n is then the number of tickets.",
    )


TICKET_METRICS = (
    counted(
        "tickets_created",
        "Tickets created",
        Facts(Kind.TICKET_CREATED),
        "Tickets by the instant at which the source says they were created. Test tickets, spam "
        "and merged tickets do not count.",
        attribution=OWNER,
        pitfalls="By agent: the one who owns the ticket, not the one who opened it.",
    ),
    counted(
        "contacts",
        "Contacts",
        Facts(Kind.CONTACT),
        "Times that a person turned to us: tickets opened by customers and inbound calls.",
        attribution=OWNER,
    ),
    messages(
        "messages_in", "Messages in", MessageOutcome.INBOUND, "Public messages from customers."
    ),
    messages(
        "messages_out",
        "Messages out",
        MessageOutcome.OUTBOUND,
        "Public messages from people on our side. Notes, bots and automatic replies are apart.",
    ),
    messages(
        "auto_replies",
        "Automatic replies",
        MessageOutcome.AUTO_REPLY,
        "Public messages from bots, the system or automation. They never stop a response clock.",
        needs=Told.MESSAGES,
    ),
    averaged(
        "first_response_time",
        "First response time",
        Facts(Kind.FIRST_RESPONSE),
        "From the customer's first message to the first public reply by a person, in the bucket of "
        "the reply. Without messages, from the creation of the ticket.",
        pitfalls="Tickets without a reply are not in it: read it beside the tickets created.",
    ),
    within(
        "first_response_within_rate",
        "First responses within the threshold",
        Facts(Kind.FIRST_RESPONSE),
        3600,
    ),
    counted(
        "ticket_resolutions",
        "Resolutions",
        Facts(Kind.RESOLUTION),
        "Times that a ticket became solved. A ticket that was reopened counts again.",
        direction=HIGHER,
        attribution=OWNER,
    ),
    counted(
        "tickets_reopened",
        "Reopened",
        Facts(Kind.REOPEN),
        "Times that a solved ticket stopped being solved.",
        direction=LOWER,
        attribution=OWNER,
        pitfalls="Only sources that send status changes have it.",
        needs=Told.STATUSES,
    ),
    averaged(
        "first_resolution_time",
        "First resolution time",
        FIRST_SOLVES,
        "From the creation of a ticket to its first solve, in the bucket of that solve.",
        attribution=OWNER,
    ),
    averaged(
        "full_resolution_time",
        "Full resolution time",
        LAST_SOLVES,
        "From the creation of a ticket to its last solve so far, in the bucket of that solve.",
        attribution=OWNER,
        pitfalls="It moves when a ticket is reopened and solved again.",
    ),
    within(
        "first_resolution_within_rate",
        "First resolutions within the threshold",
        FIRST_SOLVES,
        86_400,
        attribution=OWNER,
    ),
    within(
        "full_resolution_within_rate",
        "Full resolutions within the threshold",
        LAST_SOLVES,
        86_400,
        attribution=OWNER,
    ),
)
