"""Tasks that agents give themselves while they work on a ticket; some hand them on."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from csapi.connect.demo.people import BOT, DESK, Item, Roster
from csapi.connect.demo.span import Span, local_day, spread, stream, when_staffed
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.topics import pick

KINDS = {"call_back": 4.0, "stock_check": 3.0, "refund_approval": 3.0}
SHARE_OF_TICKETS = 0.12


def tasks(span: Span, roster: Roster, tickets: Iterable[Ticket]) -> Iterator[Item]:
    for ticket in tickets:
        rng = stream("task", ticket.id)
        agent, at, team = ticket.agent, ticket.first_reply_at, ticket.team
        if agent is None or at is None or team is None or agent.id == BOT:
            continue
        if rng.random() > SHARE_OF_TICKETS:
            continue
        holders = [{"agent": agent.id, "at": at}]
        due = at + timedelta(days=rng.choice((1, 2, 3)))
        later = when_staffed(at + spread(rng, 20_000), rng)
        if rng.random() < 0.25 and later <= span.now:
            agent, at = roster.pick(team, local_day(later), rng), later
            holders.append({"agent": agent.id, "at": at})
        done = when_staffed(at + spread(rng, 45_000 * agent.pace, 0.9), rng)
        is_done = done <= span.now and rng.random() < 0.92
        yield {
            "source": DESK,
            "external_id": f"A-{ticket.id}",
            "source_updated_at": done if is_done else at,
            "title": ticket.subject,
            "kind": pick(KINDS, rng),
            "assignee": agent.id,
            "team": team,
            "ticket": ticket.id,
            "assignments": holders,
            "completed_at": done if is_done else None,
            "due_at": due,
            "custom": {"region": ticket.customer.region},
        }
