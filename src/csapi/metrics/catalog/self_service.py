"""Self-service: the knowledge base, forms, and sessions in which no agent takes part."""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import SearchOutcome, SessionOutcome, VoteOutcome
from csapi.metrics.catalog.vocabulary import (
    COHORT,
    LOWER,
    NEUTRAL,
    OFF,
    Params,
    counted,
    milliseconds,
    ratio,
)
from csapi.metrics.formulas import Facts, Formula, share
from csapi.metrics.metric import Attribution, MergeClass, Metric, Param, ParamType, Unit
from csapi.metrics.parts import Combo

SEARCHES = Facts(Kind.KB_SEARCH)
SEEN_TO_END = Facts(Kind.KB_SEARCH, (SearchOutcome.CLICKED, SearchOutcome.NOT_CLICKED))
VOTES = Facts(Kind.KB_VOTE)
SELF_SERVICE = Facts(Kind.SELF_SERVICE_SESSION)
IVR = Facts(Kind.IVR_SESSION)
BOT_KNOWN = Facts(
    Kind.BOT_SESSION,
    (SessionOutcome.RESOLVED, SessionOutcome.HANDED_OFF, SessionOutcome.ABANDONED),
)
SEARCH_SESSIONS = Facts(Kind.SEARCH_SESSION)

WINDOW = Param(
    "window_hours",
    ParamType.number,
    24,
    "For so many hours after the end of the session, no contact may follow.",
    minimum=1,
    maximum=8760,
)
TICKET_WINDOW = Param(
    "window_hours",
    ParamType.number,
    24,
    "How many hours after a search the ticket may come.",
    minimum=1,
    maximum=8760,
)
DURABLE = Param(
    "window_days",
    ParamType.number,
    7,
    "A resolution lasts when so many days passed without the customer coming back.",
    minimum=1,
    maximum=365,
)


def count_abandoned(*, default: bool) -> Param:
    return Param(
        "count_abandoned",
        ParamType.flag,
        default,
        "Count sessions that the source calls abandoned as successes, too.",
    )


def window_ms(params: Params) -> int:
    return milliseconds(3600 * params["window_hours"])


def kept_from_agents(kind: Kind, params: Params) -> Formula:
    """Sessions of known customers that no agent took over and no contact followed."""
    outcomes = [SessionOutcome.RESOLVED, SessionOutcome.UNKNOWN]
    if params["count_abandoned"]:
        outcomes.append(SessionOutcome.ABANDONED)
    alone = Facts(kind, tuple(outcomes))
    window = window_ms(params)
    kept = alone.rated() - alone.within(window)
    return share(kept, Facts(kind).rated(), matures_ms=window)


def unidentified(facts: Facts) -> Combo:
    return facts.count() - facts.rated()


def bot_resolved_for_good(params: Params) -> Formula:
    resolved = Facts(Kind.BOT_SESSION, (SessionOutcome.RESOLVED,))
    window = milliseconds(86_400 * params[DURABLE.name])
    return share(
        resolved.rated() - resolved.either_within(window), BOT_KNOWN.rated(), matures_ms=window
    )


def bot_share(outcome: SessionOutcome) -> Formula:
    return share(Facts(Kind.BOT_SESSION, (outcome,)).count(), BOT_KNOWN.count())


FOLLOWED = (
    "A customer is the same one only within one source: sessions and contacts must name customers "
    "of the same source, and a contact counts when its ticket or call has arrived. Sessions of "
    "unknown customers are on neither side; unidentified_sessions counts them. Without `ended_at` "
    "the start is taken for the end. The last window_hours of a range can still get worse. "
)


SELF_SERVICE_METRICS = (
    counted(
        "kb_searches",
        "Searches",
        SEARCHES,
        "Searches of the knowledge base, those without a term included.",
        pitfalls="What was searched for most is a list: GET /v1/kb/terms.",
    ),
    ratio(
        "kb_zero_result_rate",
        "Searches without results",
        lambda _: share(
            Facts(Kind.KB_SEARCH, (SearchOutcome.ZERO_RESULTS,)).count(), SEARCHES.count()
        ),
        "The share of searches that found nothing.",
        formula_text="searches with 0 results / searches",
        example="Of 20 searches, 3 found nothing: 0.15.",
        direction=LOWER,
        pitfalls="A search while typing counts each time that the source reports it.",
    ),
    ratio(
        "kb_no_click_rate",
        "Searches without a click",
        lambda _: share(
            Facts(Kind.KB_SEARCH, (SearchOutcome.NOT_CLICKED,)).count(), SEEN_TO_END.count()
        ),
        "The share of searches with results after which none was clicked: no click in the same "
        "session before its next search.",
        formula_text="searches with results and without a click / searches with results",
        example="A session searches twice with results and clicks once after the second search: "
        "1 / 2.",
        direction=LOWER,
        pitfalls="Searches without a session are on neither side. A click at the very instant of a "
        "search counts as after it. A source that sends no clicks gives 1; an answer that is read "
        "in the list of results needs no click.",
    ),
    counted(
        "kb_views",
        "Article views",
        Facts(Kind.KB_VIEW),
        "Views of articles of the knowledge base.",
        pitfalls="The topic is the one that the article has now.",
    ),
    counted(
        "kb_votes",
        "Article votes",
        VOTES,
        "Votes on whether an article helped.",
        pitfalls="The topic is the one that the article has now.",
    ),
    ratio(
        "kb_helpful_rate",
        "Articles found helpful",
        lambda _: share(Facts(Kind.KB_VOTE, (VoteOutcome.HELPFUL,)).count(), VOTES.count()),
        "The share of votes that call an article helpful.",
        formula_text="helpful votes / votes",
        example="8 helpful votes of 10: 0.8.",
        pitfalls="Few readers vote: read it with the number of views.",
    ),
    counted(
        "forms_received",
        "Forms received",
        Facts(Kind.FORM),
        "Forms that people sent in, by the instant at which they did; `type` is the form's name.",
        pitfalls="A form is no contact by itself: the ticket that is made of it is.",
    ),
    counted(
        "self_service_sessions",
        "Self-service sessions",
        SELF_SERVICE,
        "Visits to help pages and portals, in the bucket of their start.",
        basis=COHORT,
        pitfalls="Only sessions that the source sends as records; events of the knowledge base "
        "alone make none.",
    ),
    counted(
        "bot_sessions",
        "Bot sessions",
        Facts(Kind.BOT_SESSION),
        "Conversations with a bot, in the bucket of their start.",
        basis=COHORT,
    ),
    counted(
        "ivr_sessions",
        "Phone menu sessions",
        IVR,
        "Calls in a phone menu (IVR), in the bucket of their start.",
        basis=COHORT,
    ),
    ratio(
        "bot_resolution_rate",
        "Resolved by the bot",
        lambda _: bot_share(SessionOutcome.RESOLVED),
        "Of the conversations with a bot whose outcome is known, the share that it resolved.",
        formula_text="resolved / (resolved + handed off + abandoned)",
        example="6 resolved, 3 handed off, 1 abandoned, 5 unknown: 6 / 10.",
        basis=COHORT,
        pitfalls="The source says what is resolved; whether the person came back is asked by "
        "durable_bot_resolution_rate.",
    ),
    ratio(
        "durable_bot_resolution_rate",
        "Resolved by the bot for good",
        bot_resolved_for_good,
        "Of the conversations of known customers with a bot whose outcome is known, the share that "
        "it resolved and after which, within `window_days`, the customer neither turned to us "
        "again nor wrote on in the ticket that it led to, and that ticket was not reopened.",
        formula_text="resolved and nothing came after it in the window / (resolved + handed off + "
        "abandoned)",
        example="Ten conversations of known customers, 6 resolved, 1 of those customers called two "
        "days later: 5 / 10; with a window of 1 day 6 / 10.",
        basis=COHORT,
        params=(DURABLE,),
        pitfalls="Conversations without a customer are on neither side. A customer is the same one "
        "only within one source. Without `ended_at` the start is taken for the end, so that what "
        "follows in the conversation itself is taken for coming back. What happens on the ticket "
        "is known from its events alone. Recent ones may still be "
        "undone: see mature_through.",
    ),
    ratio(
        "bot_handoff_rate",
        "Handed off by the bot",
        lambda _: bot_share(SessionOutcome.HANDED_OFF),
        "Of the conversations with a bot whose outcome is known, the share that it handed to an "
        "agent.",
        formula_text="handed off / (resolved + handed off + abandoned)",
        example="6 resolved, 3 handed off, 1 abandoned, 5 unknown: 3 / 10.",
        direction=NEUTRAL,
        basis=COHORT,
        pitfalls="With bot_resolution_rate it adds up to less than 1 where people abandon the bot.",
    ),
    ratio(
        "ivr_containment_rate",
        "Phone menu containment",
        lambda params: kept_from_agents(Kind.IVR_SESSION, params),
        "The share of phone menu sessions of known customers that ended without an agent and "
        "without a contact of the same customer within `window_hours`, in the bucket of their "
        "start.",
        formula_text="(not handed off, not abandoned, no contact in the window) / sessions of "
        "known customers",
        example="Ten sessions of known customers: 3 handed off, 2 hung up, 1 called again after "
        "an hour: 4 / 10.",
        basis=COHORT,
        params=(WINDOW, count_abandoned(default=OFF)),
        pitfalls=FOLLOWED + "Hanging up in the menu is not containment unless `count_abandoned`.",
    ),
    ratio(
        "deflection_rate",
        "Deflection",
        lambda params: kept_from_agents(Kind.SELF_SERVICE_SESSION, params),
        "The share of self-service sessions of known customers that ended without an agent and "
        "without a contact of the same customer within `window_hours`, in the bucket of their "
        "start.",
        formula_text="(not handed off, no contact in the window) / sessions of known customers",
        example="Ten sessions of known customers: 1 handed off, 2 opened a ticket the same day: "
        "7 / 10.",
        basis=COHORT,
        params=(WINDOW, count_abandoned(default=not OFF)),
        pitfalls=FOLLOWED + "Giving up looks like success here.",
    ),
    Metric(
        id="unidentified_sessions",
        label="Sessions of unknown customers",
        description="Self-service and phone menu sessions without a customer, which "
        "deflection_rate and ivr_containment_rate leave out.",
        formula_text="sessions without a customer",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=COHORT,
        merge_class=MergeClass.additive,
        attribution=Attribution.actor,
        build=lambda _: Formula(
            numerator=unidentified(SELF_SERVICE) + unidentified(IVR),
            n=SELF_SERVICE.count() + IVR.count(),
        ),
        example="Of 10 visits, 4 without a login: 4 with n = 10.",
        pitfalls="n counts all sessions of both kinds.",
    ),
    ratio(
        "search_to_ticket_rate",
        "Searches that end in a ticket",
        lambda params: share(
            SEARCH_SESSIONS.within(window_ms(params)),
            SEARCH_SESSIONS.count(),
            matures_ms=window_ms(params),
        ),
        "The share of sessions with a search that led to a ticket within `window_hours` after a "
        "search, in the bucket of the session's start.",
        formula_text="sessions whose ticket came in the window after a search / sessions with a "
        "search",
        example="Of 40 sessions that searched, 6 name a ticket that was opened within a day: 0.15.",
        direction=LOWER,
        basis=COHORT,
        params=(TICKET_WINDOW,),
        pitfalls="Only sessions that the source sends as records, and only tickets that their "
        "record names and that count as created. A ticket from before the first search is none.",
    ),
)
