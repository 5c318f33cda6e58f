"""How facts of a kind turned out: their outcomes.

The numbers are stored: a number once used keeps its meaning for ever.
"""

from enum import IntEnum, IntFlag


class Told(IntFlag):
    """What a source tells of a ticket by events. The outcome of TICKET_CREATED is the sum of what
    a ticket with milestones comes without; 0 of a ticket without milestones."""

    MESSAGES = 1
    STATUSES = 2
    ASSIGNMENTS = 4


class ContactOutcome(IntEnum):
    IDENTIFIED = 1
    UNIDENTIFIED = 2


class MessageOutcome(IntEnum):
    INBOUND = 1
    OUTBOUND = 2
    AUTO_REPLY = 3
    INTERNAL = 4


class ResolutionOutcome(IntEnum):
    """Where this solve stands among the solves of its ticket."""

    ONLY = 1
    FIRST = 2
    MIDDLE = 3
    LAST = 4


class ResponseOutcome(IntEnum):
    """Of kinds RESPONSE and REPLY_PAIR: the ticket's first, or a later one."""

    FIRST = 1
    NEXT = 2


class AssignmentOutcome(IntEnum):
    """Of kinds AGENT_ASSIGNED and TEAM_ASSIGNED."""

    FIRST = 1
    TRANSFER = 2


class ReplyOutcome(IntEnum):
    """Of kinds AWAITED and ACKNOWLEDGED."""

    ANSWERED = 1
    UNANSWERED = 2


class EffortOutcome(IntEnum):
    """How many replies by people a solve took."""

    NONE = 1
    ONE = 2
    MORE = 3


class RoutingOutcome(IntEnum):
    """Whether team or topic changed before the first reply by a person."""

    KEPT = 1
    MISROUTED = 2


class WaitOutcome(IntEnum):
    """Whose time in a status was: ours (new, open, on hold), the customer's (pending), and, within
    ours, on hold."""

    REQUESTER = 1
    AGENT = 2
    ON_HOLD = 3


class OpenStatus(IntEnum):
    """Of kind BACKLOG: what an open ticket is where it starts or stops. Of a ticket without changes
    of status that was solved since, it is not known."""

    UNKNOWN = 0
    NEW = 1
    OPEN = 2
    PENDING = 3
    ON_HOLD = 4


# The outcome of OPEN_STATUS: so many times the status before, and the one after.
FROM_STATUS = 10


class CallOutcome(IntEnum):
    ANSWERED = 1
    ABANDONED = 2
    FLOWED_OUT = 3
    CALLBACK = 4
    # Still waiting or talking as far as the source has said.
    OPEN = 5


class HandlingOutcome(IntEnum):
    """Kinds TALK to HANDLE: per contact = ONE_LEG + ALL_LEGS, per leg = ONE_LEG + LEG."""

    ONE_LEG = 1
    ALL_LEGS = 2
    LEG = 3


class RequestOutcome(IntEnum):
    ANSWERED = 1
    UNANSWERED = 2


class Box(IntEnum):
    """A rating's place on its scale: top-2-box, bottom-2-box, or between."""

    NEGATIVE = 1
    NEUTRAL = 2
    POSITIVE = 3


class CommentOutcome(IntEnum):
    GIVEN = 1
    NONE = 2


class SentimentLabel(IntEnum):
    NEGATIVE = 1
    NEUTRAL = 2
    POSITIVE = 3
    # A score came without a label.
    UNLABELLED = 4


class ReviewOutcome(IntEnum):
    SCORED = 1
    # A criterion that fails the whole review was failed: the score is 0.
    AUTO_FAILED = 2
    # No criterion applied: there is no score.
    NOT_SCORED = 3


class CriterionOutcome(IntEnum):
    MET = 1
    FAILED = 2
    NOT_APPLICABLE = 3


class HoldingOutcome(IntEnum):
    """How the holding of a task by an agent ended."""

    COMPLETED = 1
    HANDED_ON = 2
    # Still held, as far as the source has said.
    OPEN = 3


class DeadlineOutcome(IntEnum):
    """Where a completed task stands to its due date."""

    IN_TIME = 1
    OVERDUE = 2
    NO_DEADLINE = 3


class PresenceOutcome(IntEnum):
    """The state that an agent is in."""

    AVAILABLE = 1
    HANDLING = 2
    AFTER_CALL_WORK = 3
    BREAK = 4
    MEETING = 5
    TRAINING = 6
    AWAY = 7
    OFFLINE = 8


class ShiftOutcome(IntEnum):
    PAID = 1
    UNPAID = 2


class SearchOutcome(IntEnum):
    ZERO_RESULTS = 1
    CLICKED = 2
    NOT_CLICKED = 3
    # It had results, but no session: nobody knows whether one was clicked.
    UNTRACKED = 4


class VoteOutcome(IntEnum):
    HELPFUL = 1
    NOT_HELPFUL = 2


class SessionOutcome(IntEnum):
    """How a session without an agent ended."""

    RESOLVED = 1
    HANDED_OFF = 2
    ABANDONED = 3
    UNKNOWN = 4


class StaffCostOutcome(IntEnum):
    """What says that a piece of time is paid; or that nothing says what it costs."""

    SHIFT = 1
    PRESENCE = 2
    UNRATED = 3


class CustomerOutcome(IntEnum):
    """What the source says of its customer at that moment."""

    ACTIVE = 1
    CHURNED = 2
    UNKNOWN = 3


class SlaMetric(IntEnum):
    """What a target is about; the outcome of SLA_OVERSHOOT and SLA_ACTIVE."""

    FIRST_RESPONSE = 1
    NEXT_RESPONSE = 2
    RESOLUTION = 3
    REQUESTER_WAIT = 4


class SlaDecision(IntEnum):
    MET = 1
    BREACHED = 2
    # The ticket was closed before anything was decided.
    CANCELLED = 3


# The outcome of SLA_DECISION: so many times the metric, and the decision.
SLA_METRIC_STEP = 10
