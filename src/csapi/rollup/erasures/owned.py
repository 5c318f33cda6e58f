"""Which records are somebody's who is being erased: $1 the tenant, $2 their surrogates.

Each table's rows are looked for by the indexes of names and links; facts/erasing.py says of a row
that is held whose it is.
"""

TICKETS = "SELECT id FROM tickets WHERE tenant_id = $1 AND customer = ANY($2::bigint[])"


def of(table: str, *links: str) -> str:
    """Records that name them, and records that name nobody and link to one of theirs."""
    named = f"SELECT id FROM {table} WHERE tenant_id = $1 AND customer = ANY($2::bigint[])"
    linked = [
        f"SELECT id FROM {table} WHERE tenant_id = $1 AND customer IS NULL AND {link}"
        for link in links
    ]
    return " UNION ".join([named, *linked])


CALLS = of("calls", f"ticket IN ({TICKETS})")
ABOUT = f"ticket IN ({TICKETS})", f"call IN ({CALLS})"
REQUESTS = of("feedback_requests", *ABOUT)
SESSIONS = of("sessions", ABOUT[0])


def about(table: str, *links: str) -> str:
    return " UNION ".join(
        f"SELECT id FROM {table} WHERE tenant_id = $1 AND {link}" for link in links
    )


OWNED = {
    "tickets": TICKETS,
    "ticket_events": about("ticket_events", ABOUT[0]),
    "calls": CALLS,
    "feedback_requests": REQUESTS,
    "feedback": of("feedback", *ABOUT, f"request IN ({REQUESTS})"),
    "quality_reviews": about("quality_reviews", *ABOUT),
    "tasks": about("tasks", ABOUT[0]),
    "forms": of("forms", ABOUT[0]),
    "sessions": SESSIONS,
    "kb_events": of("kb_events", f"session IN ({SESSIONS})"),
    "work_sessions": about("work_sessions", ABOUT[0]),
}
