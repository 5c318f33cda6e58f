"""What can happen: fact kinds, and the resources that they come from.

The numbers are stored: a number once used keeps its meaning for ever.
"""

from enum import IntEnum, IntFlag


class Resource(IntEnum):
    """Whose history a fact is derived from."""

    TICKET = 1
    CALL = 2
    FEEDBACK_REQUEST = 3
    FEEDBACK = 4
    QUALITY_REVIEW = 8
    TASK = 9
    PRESENCE = 5
    SHIFT = 6
    WORK_SESSION = 7
    FORM = 11
    KB_EVENT = 13
    SESSION = 14
    COST_ENTRY = 16
    CUSTOMER = 30


class Kind(IntEnum):
    """One row of facts says that one of these happened."""

    # outcome: what a snapshot of the ticket does not tell.
    TICKET_CREATED = 1
    # A person turned to us: a ticket opened by its customer, or an inbound call. duration is the
    # gap to the same customer's previous contact, gap_next_ms the gap to the next one.
    CONTACT = 2
    # value counts messages: 1 an event, more where the source only sends totals.
    MESSAGE = 3
    FIRST_RESPONSE = 4
    # duration: from creation to this solve.
    RESOLUTION = 5
    # duration: since the solve that it undoes.
    REOPEN = 6
    # A person's reply to a run of customer messages. duration: from the first message of the run.
    RESPONSE = 7
    # A person's reply to the one message that it names. duration: from that message.
    REPLY_PAIR = 8
    # An agent's first reply on a ticket. duration: from the later of assignment and unanswered
    # message.
    AGENT_RESPONSE = 9
    # An inbound call at the instant it entered the queue. duration: wait; value: 1 when resolved.
    CALL = 10
    OUTBOUND_CALL = 11
    # An inbound call whose source says when the contact started, at the instant it entered the
    # queue. duration: from that start to the end of the wait.
    CALL_FROM_START = 16
    TALK = 12
    HOLD = 13
    AFTER_CALL_WORK = 14
    # talk + hold + after-call work
    HANDLE = 15
    # At the instant the request was sent; outcome says whether it was answered since.
    FEEDBACK_REQUEST = 20
    # value: the rating on the survey's own scale; outcome: its box; duration: a number that stands
    # for the scale (feedback.SCALE_MARK).
    CSAT = 21
    CES = 22
    NPS = 23
    # Beside every CSAT. value: the rating on a scale from 0 to 1.
    RATING_NORMALIZED = 29
    # An answer to whether the first contact was enough.
    FCR = 28
    # A ticket was given to an agent, or to a team. duration, the first time: since its creation;
    # value, of agents: 1 when the agent replied on it afterwards, 0 when not.
    AGENT_ASSIGNED = 30
    TEAM_ASSIGNED = 31
    # A customer's ticket, at its creation. duration: until the first reply by a person. Without one
    # the business time is 0 where hours are in force.
    AWAITED = 32
    # A solve. value: replies by people until then; duration: until the ticket was reopened.
    SOLVE_EFFORT = 33
    # The last solve. value: public messages of people of both sides until then.
    INTERACTIONS = 34
    # The last solve. value: how many agents replied until then.
    AGENTS_INVOLVED = 35
    # A ticket with a history, at its creation: did it stay where it was put until the first reply?
    ROUTED = 36
    # The last solve. duration: the time that the ticket spent in some of its statuses until then.
    TIME_IN_STATUS = 37
    # A customer's ticket, at its creation. duration: until the first automatic reply.
    ACKNOWLEDGED = 38
    # A solve of a source that sends status changes. duration: until the ticket was reopened.
    SOLVED = 39
    # value: +1 where a ticket starts to be open as what it is then, -1 where it stops.
    BACKLOG = 80
    FEEDBACK_REQUEST_CREATED = 24
    FEEDBACK_REQUEST_DELIVERED = 25
    # Beside every rating; outcome says whether words came with it.
    FEEDBACK_COMMENT = 26
    # What the source's model made of a message, a call or feedback. outcome: label; value: score.
    SENTIMENT = 27
    # Of the agent whose work was looked at. value: the score, 0 to 1.
    QUALITY_REVIEW = 50
    # One criterion of a review; its name is the topic. value: its score, 0 to 1.
    QUALITY_CRITERION = 51
    # At the instant from which the agent held the task; outcome says how the holding ended.
    TASK_ASSIGNED = 52
    # By whoever held the task then. duration: from the holder's assignment.
    TASK_COMPLETED = 53
    # Intervals are cut at the edges of 15-minute slots: a fact lies at the start of its piece, its
    # duration is the piece. *_INTERVAL is the whole, at its end, with all that counts of it.
    # The outcome of presence is its state, that of shifts says whether they are paid.
    PRESENCE = 40
    PRESENCE_INTERVAL = 41
    SHIFT = 42
    SHIFT_INTERVAL = 43
    # The pieces of a shift in which its agent was online, or available or handling.
    SHIFT_ONLINE = 44
    SHIFT_READY = 45
    WORK_SESSION = 46
    WORK_SESSION_INTERVAL = 47
    # Of shifts whose activity is no work (a break, a meeting, training): the pieces in which the
    # agent did that, or was available or handling instead.
    SHIFT_KEPT = 48
    SHIFT_WORKED = 49
    KB_SEARCH = 60
    KB_VIEW = 61
    KB_VOTE = 62
    FORM = 63
    # At the start of the session. value: 1 where the customer is known; duration: from the end of
    # the session to that customer's next contact, 0 for a contact during the session. gap_next_ms,
    # of bots: to the first sign on the ticket that it led to that it was not resolved.
    SELF_SERVICE_SESSION = 64
    BOT_SESSION = 65
    IVR_SESSION = 66
    # A session in which the knowledge base was searched, at its start. duration: from the last
    # search before the ticket that the session led to, to the creation of that ticket.
    SEARCH_SESSION = 67
    # The last solve, where the ticket was not reopened since.
    CLOSED = 130
    # The last solve. duration: since a person first had to do with the ticket.
    HUMAN_RESOLUTION = 131
    # A customer waits for a reply now, at the start of the wait. Waits that ended are RESPONSE.
    WAITING = 132
    # A wait that ended with the last solve and without a reply. duration: its length.
    WAIT_DROPPED = 133
    # A ticket that is open now, since it is what it is. value: how old it was then, in seconds.
    OPEN_TICKET = 134
    # The end of a part of BACKLOG. duration: its length; value: the ticket's age at its start.
    OPEN_ENDED = 135
    # An open ticket got another status, with all else as it was. value: 1.
    OPEN_STATUS = 136
    # A ticket is in a status in which we owe something now, since that status began. value: how
    # long it was in such statuses before, in seconds; business time: the same in business hours.
    OWED = 137
    # The end of such a status. duration: its length; value and business time as above.
    OWED_ENDED = 138
    # Pieces of paid time, cut like intervals. value: what they cost; none where no rate is known.
    STAFF_COST = 100
    # Pieces of months. value: the share of a monthly cost.
    FIXED_COST = 101
    # value: +1 where a customer starts to be what outcome and segment say, -1 where it stops.
    CUSTOMER = 120
    # How a target of a policy was decided: at its fulfilment, at its breach, or at the solve that
    # ended it. A breach stands at the instant at which it is due, which may lie ahead. duration:
    # from the start of the target; gap_next_ms: from then on until it was due; value: the target
    # that applied, in seconds.
    SLA_DECISION = 110
    # A breached target at its fulfilment. duration: by how much it was missed.
    SLA_OVERSHOOT = 111
    # value: +1 where a target starts to be undecided as what the ticket is then, -1 where it stops.
    SLA_ACTIVE = 112


# What is derived as it will be if nothing else happens: nobody sees it before its instant.
FORESEEN = (Kind.SLA_DECISION, Kind.SLA_ACTIVE)
# What depends on policies.
SLA_KINDS = (*FORESEEN, Kind.SLA_OVERSHOOT)


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
    # Who is responsible for a topic: no column of facts, but looked up through the topic.
    DEPARTMENT = 31
    TAG = 41
    # What a customer is now: no columns of facts, but looked up through the customer.
    CUSTOMER_TYPE = 42
    REGISTERED = 43
    COUNTRY = 44
    LOCALE = 45


class Reference(IntEnum):
    """What a reference mark says has changed for many subjects.

    Its member: the agent, the customer, the attribute's slot, the resource whose facts are derived
    otherwise than before, or the second since 1970 from which on costs differ. Of policies all
    tickets are concerned: their member is 0.
    """

    AGENT = 1
    CUSTOMER = 2
    ATTRIBUTE = 3
    DEFINITION = 4
    SCHEDULE = 5
    COST = 8
    SLA = 12


class MarkReason(IntFlag):
    """Why a bucket has to be counted again: records came or changed, or they were derived again
    without having changed."""

    RECORDS = 1
    DERIVED_AGAIN = 2


class Scope(IntEnum):
    """What a schedule is for, in the order in which it is looked for."""

    TEAM = 1
    INBOX = 2
    DEFAULT = 3


class CostScope(IntEnum):
    """What an entry of the cost book is about. Rates are looked for in this order."""

    AGENT = 1
    TEAM = 2
    DEFAULT = 3
    FIXED = 4
