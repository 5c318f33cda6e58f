"""Shares of calls that nobody answered, by agent: in a phone menu there is none."""

from collections.abc import Iterable

from csapi.facts.kinds import Kind
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.question import Asked, Question
from csapi.reports.refusals import refuse
from csapi.reports.schemas import Query

BY_AGENT = {"actor_agent", "owner_agent"}


def in_menus_by_agent(questions: Iterable[Question]) -> Asked | None:
    """A metric of calls that ended in a phone menu that is asked for by agent."""
    for question in questions:
        if question.columns & BY_AGENT:
            for asked in question.metrics:
                in_menu = any(part.kind is Kind.IVR_SESSION for part in asked.formula.parts)
                if asked.metric.of_unanswered and in_menu:
                    return asked
    return None


def check_menus(query: Query, questions: Iterable[Question]) -> None:
    """Refuse them. Of calls in queues it depends on the source whether unanswered ones name an
    agent: there the answer comes with a caution. Raises Problem."""
    asked = in_menus_by_agent(questions)
    if asked is None:
        return
    agents = {name for name, each in DIMENSIONS.items() if each.column in BY_AGENT}
    place = next((n for n, name in enumerate(query.dimensions) if name in agents), None)
    refuse(
        "/filters" if place is None else f"/dimensions/{place}",
        "dimension_not_allowed",
        f"{asked.name} by agent says nothing: in a phone menu there is no agent. Ask by queue, "
        "team or time.",
        [name for name in DIMENSIONS if name not in agents and name != "rating"],
    )
