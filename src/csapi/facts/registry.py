"""All kinds of records, in the order in which their rows are locked."""

from csapi.facts.call import CALLS
from csapi.facts.feedback import FEEDBACK, FEEDBACK_REQUESTS
from csapi.facts.form import FORMS
from csapi.facts.kb_article import KB_ARTICLES
from csapi.facts.kb_event import KB_EVENTS
from csapi.facts.kinds import Resource
from csapi.facts.people import AGENTS, CUSTOMERS, TEAMS
from csapi.facts.resource import RecordKind
from csapi.facts.session import SESSIONS
from csapi.facts.ticket import TICKETS

RECORD_KINDS: tuple[RecordKind, ...] = (
    AGENTS,
    TEAMS,
    CUSTOMERS,
    TICKETS,
    CALLS,
    FEEDBACK_REQUESTS,
    FEEDBACK,
    FORMS,
    SESSIONS,
    KB_ARTICLES,
    KB_EVENTS,
)

SUBJECT_KINDS: dict[Resource, RecordKind] = {
    kind.resource: kind for kind in RECORD_KINDS if kind.resource is not None
}
