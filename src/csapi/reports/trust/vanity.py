"""Numbers that look better than they are, by published rules."""

from collections.abc import Iterator
from dataclasses import dataclass

from csapi.reports.trust.numbers import Numbers
from csapi.reports.trust.schemas import VanityRule, VanityWarning

LEAST_RESPONSE_RATE = 0.1
LEAST_ANSWERS = 30
MOST_IMMATURE = 0.1
MOST_UNIDENTIFIED = 0.3
MOST_UNDONE = 0.2


@dataclass(frozen=True, slots=True)
class Rule:
    id: VanityRule
    metric: str
    beside: str
    rule: str
    message: str


RULES = {
    each.id: each
    for each in (
        Rule(
            VanityRule.csat_few_asked,
            "csat_score",
            "feedback_response_rate",
            f"feedback_response_rate is null or below {LEAST_RESPONSE_RATE}",
            "So few of those who were asked have answered that satisfaction is that of the few who "
            "like to answer. Send the requests, too, so that the rate is known.",
        ),
        Rule(
            VanityRule.csat_few_answers,
            "csat_score",
            "csat_responses",
            f"csat_responses is below {LEAST_ANSWERS}",
            "So few answers that the score moves by chance: read its interval, or a longer range.",
        ),
        Rule(
            VanityRule.fcr_not_settled,
            "first_contact_resolution_rate",
            "repeat_contact_rate",
            f"more than {MOST_IMMATURE} of its contacts are within the window",
            "The end of the range is so recent that many who will turn to us again have not yet. "
            "Read it once the window is over.",
        ),
        Rule(
            VanityRule.deflection_unfollowed,
            "deflection_rate",
            "unidentified_sessions",
            f"more than {MOST_UNIDENTIFIED} of the sessions have no customer",
            "Whether these visitors turned to us afterwards cannot be known: what is counted as "
            "deflected may be who gave up.",
        ),
        Rule(
            VanityRule.bot_resolution_undone,
            "bot_resolution_rate",
            "durable_bot_resolution_rate",
            f"the durable rate is null, or lower by more than {MOST_UNDONE}",
            "What the bot calls resolved does not last, or nothing says whether it does: read the "
            "durable rate.",
        ),
        Rule(
            VanityRule.repeat_unfollowed,
            "repeat_contact_rate",
            "unidentified_contacts",
            f"more than {MOST_UNIDENTIFIED} of the contacts have no customer",
            "Who turned to us without a name cannot be seen to turn to us again: repeats are more, "
            "and first contact resolution is less, than is counted.",
        ),
        Rule(
            VanityRule.speed_without_quality,
            "average_handle_time",
            "quality_score",
            "there is handling time, and neither csat_score nor quality_score",
            "Short calls are good only where they help: nothing here says whether they do.",
        ),
    )
}


def share(part: float | None, whole: float | None) -> float:
    return 0.0 if not part or not whole else part / whole


def broken(numbers: Numbers) -> Iterator[VanityRule]:
    """The rules whose warnings hold for the range."""
    value = numbers.value
    if value("csat_score") is not None:
        if (value("feedback_response_rate") or 0.0) < LEAST_RESPONSE_RATE:
            yield VanityRule.csat_few_asked
        if (value("csat_responses") or 0.0) < LEAST_ANSWERS:
            yield VanityRule.csat_few_answers
    fcr = numbers.values["first_contact_resolution_rate"]
    immature = numbers.immature.get("first_contact_resolution_rate", 0)
    if fcr.value is not None and share(immature, fcr.n) > MOST_IMMATURE:
        yield VanityRule.fcr_not_settled
    unfollowed = share(value("unidentified_sessions"), value("self_service_sessions"))
    if value("deflection_rate") is not None and unfollowed > MOST_UNIDENTIFIED:
        yield VanityRule.deflection_unfollowed
    resolved, durable = value("bot_resolution_rate"), value("durable_bot_resolution_rate")
    if resolved and (durable is None or resolved - durable > MOST_UNDONE):
        yield VanityRule.bot_resolution_undone
    unnamed = share(value("unidentified_contacts"), value("contacts"))
    if value("repeat_contact_rate") is not None and unnamed > MOST_UNIDENTIFIED:
        yield VanityRule.repeat_unfollowed
    has_quality = value("csat_score") is not None or value("quality_score") is not None
    if value("average_handle_time") is not None and not has_quality:
        yield VanityRule.speed_without_quality


def warnings_of(numbers: Numbers) -> list[VanityWarning]:
    return [
        VanityWarning(
            id=rule.id,
            metric=rule.metric,
            value=numbers.value(rule.metric),
            beside=rule.beside,
            beside_value=numbers.value(rule.beside),
            rule=rule.rule,
            message=rule.message,
        )
        for rule in (RULES[each] for each in broken(numbers))
    ]
