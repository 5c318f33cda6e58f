"""What can happen: fact kinds, their outcomes, and the resources that they come from.

The numbers are stored: a number once used keeps its meaning for ever.
"""

from enum import IntEnum


class Resource(IntEnum):
    """Whose history a fact is derived from."""

    TICKET = 1
    CALL = 2
    FEEDBACK_REQUEST = 3
    FEEDBACK = 4


class Kind(IntEnum):
    """One row of facts says that one of these happened."""

    TICKET_CREATED = 1
    # A person turned to us: a ticket opened by its customer, or an inbound call. duration is the
    # gap to the same customer's previous contact, gap_next_ms the gap to the next one.
    CONTACT = 2
    # value counts messages: 1 an event, more where the source only sends totals.
    MESSAGE = 3
    FIRST_RESPONSE = 4
    # duration: from creation to this solve.
    RESOLUTION = 5
    REOPEN = 6
    # An inbound call at the instant it entered the queue. duration: wait; value: 1 when resolved.
    CALL = 10
    OUTBOUND_CALL = 11
    TALK = 12
    HOLD = 13
    AFTER_CALL_WORK = 14
    # talk + hold + after-call work
    HANDLE = 15
    # At the instant the request was sent; outcome says whether it was answered since.
    FEEDBACK_REQUEST = 20
    # value: the rating on the survey's own scale; outcome: its box.
    CSAT = 21
    CES = 22
    NPS = 23


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


NO_OUTCOME = 0
VALUE_SCALE = 10_000
DEFINITION_VERSION = 1


class Grain(IntEnum):
    """Bucket sizes of summaries. SLOT and MONTH are also what marks are made of."""

    SLOT = 1
    DAY = 2
    MONTH = 3


class Dimension(IntEnum):
    """Label dimensions whose members live in the table members."""

    CHANNEL = 1
    INBOX = 2
    QUEUE = 3
    TYPE = 4
    TOPIC = 5
    PRIORITY = 6
    SEGMENT = 7
    ATTR1 = 11
    ATTR2 = 12
    ATTR3 = 13
    ATTR4 = 14
    ATTR5 = 15
    ATTR6 = 16
    ATTR7 = 17
    ATTR8 = 18


class Reference(IntEnum):
    """What a reference mark says has changed for many subjects."""

    AGENT = 1
    CUSTOMER = 2
    ATTRIBUTE = 3
    DEFINITION = 4
    SCHEDULE = 5


class Scope(IntEnum):
    """What a schedule is for, in the order in which it is looked for."""

    TEAM = 1
    INBOX = 2
    DEFAULT = 3
