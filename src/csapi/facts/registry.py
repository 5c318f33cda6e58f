"""All kinds of records, in the order in which their rows are locked."""

from csapi.facts.call import CALLS
from csapi.facts.feedback import FEEDBACK, FEEDBACK_REQUESTS
from csapi.facts.kinds import Resource
from csapi.facts.people import AGENTS, CUSTOMERS, TEAMS
from csapi.facts.resource import RecordKind
from csapi.facts.schedule import SCHEDULES
from csapi.facts.ticket import TICKETS

RECORD_KINDS: tuple[RecordKind, ...] = (
    AGENTS,
    TEAMS,
    SCHEDULES,
    CUSTOMERS,
    TICKETS,
    CALLS,
    FEEDBACK_REQUESTS,
    FEEDBACK,
)

SUBJECT_KINDS: dict[Resource, RecordKind] = {
    kind.resource: kind for kind in RECORD_KINDS if kind.resource is not None
}
