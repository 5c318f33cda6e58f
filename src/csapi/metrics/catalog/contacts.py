"""Contacts: times that a person turned to us, by whatever channel."""

from csapi.facts.kinds import ContactOutcome, Kind
from csapi.metrics.catalog.vocabulary import EVENT, LOWER, OWNER, Params, milliseconds, ratio
from csapi.metrics.formulas import (
    Facts,
    Formula,
    MergeClass,
    Metric,
    Param,
    ParamType,
    Unit,
    share,
)

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


CONTACT_METRICS = (
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
        build=lambda params: Formula(
            numerator=IDENTIFIED.within(repeat_window_ms(params)), n=IDENTIFIED.count()
        ),
        example="Calls on Monday, Tuesday and three weeks later: one repeat within 7 days.",
        pitfalls="Contacts without a customer can be no repeat; n counts those with one.",
        params=(WINDOW_HOURS, WINDOW_DAYS),
    ),
    ratio(
        "repeat_contact_rate",
        "Repeat contact rate",
        lambda params: share(IDENTIFIED.within(repeat_window_ms(params)), IDENTIFIED.count()),
        "Repeat contacts among the contacts of known customers.",
        formula_text="repeat contacts / contacts of known customers",
        example="Calls on Monday, Tuesday and three weeks later: 1 / 3 within 7 days.",
        direction=LOWER,
        attribution=OWNER,
        params=(WINDOW_HOURS, WINDOW_DAYS),
    ),
)
