"""Contacts: times that a person turned to us, by whatever channel."""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import (
    Box,
    CallOutcome,
    ContactOutcome,
    EffortOutcome,
    MessageOutcome,
    ReplyOutcome,
)
from csapi.metrics.catalog.vocabulary import (
    COHORT,
    EVENT,
    HIGHER,
    LOWER,
    NEUTRAL,
    OWNER,
    STAYS_OPEN,
    Params,
    milliseconds,
    ratio,
)
from csapi.metrics.formulas import Facts, Formula, share
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, Unit
from csapi.metrics.parts import Combo, Measure

CONTACTS = Facts(Kind.CONTACT)
IDENTIFIED = Facts(Kind.CONTACT, (ContactOutcome.IDENTIFIED,))
WINDOW_HOURS = Param(
    "window_hours",
    ParamType.number,
    None,
    "How many hours back a contact is a repeat; beats window_days.",
    minimum=1,
    maximum=8760,
)
WINDOW_DAYS = Param(
    "window_days",
    ParamType.number,
    7,
    "How many days back a contact is a repeat.",
    minimum=1,
    maximum=365,
)


def repeat_window_ms(params: Params) -> int:
    hours = params["window_hours"]
    return milliseconds(3600 * hours if hours is not None else 86_400 * params["window_days"])


ONE_REPLY = Facts(Kind.SOLVE_EFFORT, (EffortOutcome.ONE,))
EFFORT = Facts(Kind.SOLVE_EFFORT)
ANSWERED_CALLS = Facts(Kind.CALL, (CallOutcome.ANSWERED,))
METHOD = Param(
    "method",
    ParamType.choice,
    "no_repeat",
    "What shows that the first contact was enough: no further contact of the same customer within "
    "the window; a solve after a single reply that was not reopened within the window; the "
    "customer's yes among the answers to surveys of the kind `fcr`, by when they were given; or "
    "the agent's flag on answered calls.",
    choices=("no_repeat", "single_reply", "survey", "agent_flag"),
)
CONTACTS_OF = Param(
    "of",
    ParamType.choice,
    "contacts",
    "With the method `no_repeat`: of all contacts, or of those alone that a person handled and "
    "that are resolved by now: tickets with a reply that are solved, and answered calls that are "
    "not flagged as unresolved.",
    choices=("contacts", "resolved"),
)
MATCH = Param(
    "match",
    ParamType.choice,
    "customer",
    "Which contacts belong together: all of a customer, or those about the same topic. A contact "
    "of an unknown topic goes with any.",
    choices=("customer", "customer_and_topic"),
)


def by_topic(params: Params) -> bool:
    return bool(params[MATCH.name] == "customer_and_topic")


def repeats(params: Params) -> Combo:
    """Contacts that follow another one."""
    window = repeat_window_ms(params)
    return IDENTIFIED.after_same_topic(window) if by_topic(params) else IDENTIFIED.within(window)


def followed_contacts(params: Params) -> tuple[Combo, Combo]:
    """All contacts of known customers that are looked at, and those followed by another one."""
    window = repeat_window_ms(params)
    if params[CONTACTS_OF.name] == "resolved":
        if by_topic(params):
            return IDENTIFIED.resolved(), IDENTIFIED.resolved_before_same_topic(window)
        return IDENTIFIED.resolved(), IDENTIFIED.resolved_followed(window)
    if by_topic(params):
        return IDENTIFIED.count(), IDENTIFIED.before_same_topic(window)
    return IDENTIFIED.count(), IDENTIFIED.followed(window)


def first_contact_resolution(params: Params) -> Formula:
    window = repeat_window_ms(params)
    if params["method"] == "single_reply":
        kept = ONE_REPLY.count() - ONE_REPLY.within(window)
        return Formula(
            numerator=kept, denominator=EFFORT.count(), n=EFFORT.count(), matures_ms=window
        )
    if params["method"] == "agent_flag":
        rated = ANSWERED_CALLS.rated()
        return Formula(
            numerator=ANSWERED_CALLS.value(), denominator=rated, n=rated, numerator_scale=10_000
        )
    if params["method"] == "survey":
        return share(Facts(Kind.FCR, (Box.POSITIVE,)).count(), Facts(Kind.FCR).count())
    total, repeated = followed_contacts(params)
    return Formula(
        numerator=total - repeated,
        denominator=total,
        n=total,
        matures_ms=window,
    )


def channel_switch_rate(params: Params) -> Formula:
    window = repeat_window_ms(params)
    total = IDENTIFIED.count()
    return Formula(
        numerator=IDENTIFIED.switched(window), denominator=total, n=total, matures_ms=window
    )


def acted_on(_: Params) -> Formula:
    tickets, calls = Facts(Kind.AWAITED), Facts(Kind.CALL)
    answered = Facts(Kind.AWAITED, (ReplyOutcome.ANSWERED,)).count() + ANSWERED_CALLS.count()
    return share(answered, tickets.count() + calls.count())


WRITTEN = Facts(Kind.MESSAGE, (MessageOutcome.INBOUND,))
CUSTOMER_COUNT = IDENTIFIED.distinct(Measure.CUSTOMERS)
CONTACT_METRICS = (
    ratio(
        "first_contact_resolution_rate",
        "First contact resolution",
        first_contact_resolution,
        "Contacts that needed no other, by one of four methods; published with the method, since "
        "they answer different questions.",
        formula_text="contacts without another one within the window / contacts",
        example="Of 10 contacts of known customers 2 were followed by another one of the same "
        "customer within 7 days: 0.8.",
        basis=COHORT,
        attribution=OWNER,
        params=(METHOD, WINDOW_HOURS, WINDOW_DAYS, MATCH, CONTACTS_OF),
        pitfalls="Recent contacts may still be followed by another: see mature_through. Contacts "
        "without a customer are on neither side: unidentified_contacts counts them.",
    ),
    ratio(
        "channel_switch_rate",
        "Continued on another channel",
        channel_switch_rate,
        "Contacts whose next contact of the same customer came within the window and on another "
        "channel, in the bucket of the first of the two.",
        formula_text="contacts with the next one in the window on another channel / contacts",
        example="An e-mail on Monday, a call on Tuesday and a call on Wednesday: 1 / 3 within 7 "
        "days.",
        direction=LOWER,
        basis=COHORT,
        attribution=OWNER,
        params=(WINDOW_HOURS, WINDOW_DAYS),
        pitfalls="Recent contacts may still be followed by another: see mature_through. Contacts "
        "without a customer are on neither side. Only the very next contact is looked at.",
    ),
    Metric(
        id="unidentified_contacts",
        label="Contacts of unknown customers",
        description="Contacts that name no customer, which first contact resolution and repeat "
        "contacts leave out.",
        formula_text="contacts without a customer",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=lambda _: Formula(
            numerator=CONTACTS.count() - IDENTIFIED.count(), n=CONTACTS.count()
        ),
        example="Of 10 contacts, 3 calls with a hidden number: 3 with n = 10.",
        pitfalls="n counts all contacts.",
    ),
    Metric(
        id="contacts_per_customer",
        label="Contacts per customer",
        description="Contacts of known customers for each different one.",
        formula_text="contacts of known customers / different customers",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.distinct,
        attribution=OWNER,
        build=lambda _: Formula(
            numerator=IDENTIFIED.count(), denominator=CUSTOMER_COUNT, n=IDENTIFIED.count()
        ),
        example="Five contacts of two customers give 2.5.",
        pitfalls="Not additive: a customer of two days is one customer of the week.",
    ),
    Metric(
        id="customers_with_new_conversations",
        label="Customers who turned to us",
        description="Different known customers who opened a ticket or called.",
        formula_text="different customers",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.distinct,
        attribution=OWNER,
        build=lambda _: Formula(numerator=CUSTOMER_COUNT, n=IDENTIFIED.count()),
        example="Five contacts of two customers give 2 with n = 5.",
        pitfalls="Not additive: the days of a month do not add up to the month.",
    ),
    Metric(
        id="customers_who_wrote",
        label="Customers who wrote",
        description="Different known customers with at least one message on a ticket, whenever the "
        "ticket was opened.",
        formula_text="different customers",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.distinct,
        attribution=OWNER,
        build=lambda _: Formula(
            numerator=WRITTEN.distinct(Measure.CUSTOMERS),
            n=WRITTEN.count(),
        ),
        example="One writes twice on a ticket of last month, another one opens a ticket: 2 with "
        "n = 3, and 1 customer who turned to us.",
        pitfalls="Not additive. Who only called did not write; n counts messages of unknown "
        "customers, too. A customer's message has no agent and no team. Of a source that only "
        "sends totals, who wrote did so when the ticket was opened.",
    ),
    Metric(
        id="first_time_customers",
        label="First-time customers",
        description="Known customers whose first contact ever is in the bucket.",
        formula_text="contacts of known customers without an earlier one",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=lambda _: Formula(
            numerator=IDENTIFIED.count() - IDENTIFIED.measured(), n=IDENTIFIED.count()
        ),
        example="Two customers, one of whom had called before: 1.",
        pitfalls="First as far as this history goes: earlier records that come later move it.",
    ),
    ratio(
        "contact_mix",
        "Share of contacts",
        lambda _: share(CONTACTS.count(), CONTACTS.whole()),
        "The share of a row's contacts in all contacts of the answer: by channel the channel mix, "
        "by type the mix of contact types. With time beside another dimension, in all contacts of "
        "the same time bucket.",
        formula_text="contacts / contacts of all members",
        example="60 contacts by e-mail and 40 calls: 0.6 and 0.4. By month and channel the shares "
        "of a month add up to 1.",
        direction=NEUTRAL,
        attribution=OWNER,
        pitfalls="Filters narrow both sides. n counts the contacts of all members. A ticket's "
        "channel is that of its creation.",
    ),
    ratio(
        "action_rate",
        "Action rate",
        acted_on,
        "Items that a person acted on among those received: tickets of customers with a reply, and "
        "answered calls.",
        formula_text="(tickets replied to + calls answered) / (tickets + calls offered)",
        example="8 of 10 tickets replied to and 9 of 10 calls answered: 0.85.",
        direction=HIGHER,
        basis=COHORT,
        attribution=OWNER,
        pitfalls="Recent tickets may still be answered.",
        stays_open=STAYS_OPEN,
    ),
    Metric(
        id="repeat_contacts",
        label="Repeat contacts",
        description="Contacts of a known customer within the window after the same customer's "
        "previous one.",
        formula_text="contacts whose gap to the previous one <= window",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=lambda params: Formula(numerator=repeats(params), n=IDENTIFIED.count()),
        example="Calls on Monday, Tuesday and three weeks later: one repeat within 7 days.",
        pitfalls="Contacts without a customer can be no repeat; n counts those with one.",
        params=(WINDOW_HOURS, WINDOW_DAYS, MATCH),
    ),
    ratio(
        "repeat_contact_rate",
        "Repeat contact rate",
        lambda params: share(repeats(params), IDENTIFIED.count()),
        "Repeat contacts among the contacts of known customers.",
        formula_text="repeat contacts / contacts of known customers",
        example="Calls on Monday, Tuesday and three weeks later: 1 / 3 within 7 days.",
        direction=LOWER,
        attribution=OWNER,
        params=(WINDOW_HOURS, WINDOW_DAYS, MATCH),
    ),
)
