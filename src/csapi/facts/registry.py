"""All kinds of records, in the order in which their rows are locked."""

from csapi.facts.annotation import ANNOTATIONS
from csapi.facts.call import CALLS
from csapi.facts.cost_entry import COST_BOOK
from csapi.facts.customer import CUSTOMERS
from csapi.facts.customer_merge import CUSTOMER_MERGES
from csapi.facts.feedback import FEEDBACK, FEEDBACK_REQUESTS
from csapi.facts.form import FORMS
from csapi.facts.kb_article import KB_ARTICLES
from csapi.facts.kb_event import KB_EVENTS
from csapi.facts.kinds import Resource
from csapi.facts.people import AGENTS, TEAMS
from csapi.facts.presence import PRESENCE
from csapi.facts.quality import QUALITY_REVIEWS
from csapi.facts.reference import DESCRIPTIONS
from csapi.facts.resource import RecordKind
from csapi.facts.schedule import SCHEDULES
from csapi.facts.session import SESSIONS
from csapi.facts.shift import SHIFTS
from csapi.facts.sla_policy import SLA_POLICIES
from csapi.facts.task import TASKS
from csapi.facts.ticket import TICKETS
from csapi.facts.work_session import WORK_SESSIONS

RECORD_KINDS: tuple[RecordKind, ...] = (
    AGENTS,
    TEAMS,
    SCHEDULES,
    SLA_POLICIES,
    TICKETS,
    CALLS,
    FEEDBACK_REQUESTS,
    FEEDBACK,
    QUALITY_REVIEWS,
    TASKS,
    FORMS,
    SESSIONS,
    KB_ARTICLES,
    KB_EVENTS,
    PRESENCE,
    SHIFTS,
    WORK_SESSIONS,
    *DESCRIPTIONS,
    ANNOTATIONS,
    COST_BOOK,
    CUSTOMERS,
    CUSTOMER_MERGES,
)

SUBJECT_KINDS: dict[Resource, RecordKind] = {
    kind.resource: kind for kind in RECORD_KINDS if kind.resource is not None
}


def fingerprints() -> tuple[list[int], list[int]]:
    """Resources and the fingerprints of the derivations that this code has for them."""
    kinds = sorted(SUBJECT_KINDS.items())
    return [int(resource) for resource, _ in kinds], [kind.fingerprint for _, kind in kinds]
