"""Groups with how many customers each metric is about, and the small ones hidden. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from csapi.metrics.question import Question
from csapi.reports.comparison import NullReason
from csapi.reports.fillings import Group, Hidden, Place, place_of
from csapi.reports.suppression import NOTHING, Customers, hidden_names


def with_customers(
    question: Question,
    groups: Sequence[Group],
    total: Group | None,
    rows: Sequence[Sequence[Any]],
    smallest: int,
) -> tuple[list[Group], Group | None]:
    """`rows` are those of customers_statement; what is about fewer than `smallest` is hidden."""
    counted: dict[Place, Customers] = dict(place_of(question, tuple(row)) for row in rows)
    known = [
        replace(each, customers=known_customers(question, each, counted.get((False, each.keys))))
        for each in groups
    ]
    hidden = hidden_names(question, {each.keys: each.customers for each in known}, smallest)
    shown = [replace(each, hidden=suppressed(hidden.get(each.keys, ()))) for each in known]
    if total is not None:
        is_alone = not question.groups
        customers = known_customers(question, total, counted.get((not is_alone, ())))
        alone = hidden_names(question, {(): customers}, smallest)
        total = replace(total, customers=customers, hidden=suppressed(alone.get((), ())))
    return shown, total


def suppressed(names: Iterable[str]) -> Hidden:
    return dict.fromkeys(names, NullReason.suppressed)


def known_customers(question: Question, group: Group, counted: Customers | None) -> Customers:
    """How many customers each number of a group is about. What lasts came before the range: its
    records stand for them."""
    found = list(counted or (NOTHING,) * len(question.metrics))
    for number, (asked, places) in enumerate(zip(question.metrics, question.places, strict=True)):
        formula = asked.formula
        if formula.is_at_instant or formula.is_cohort:
            records = sum(sign * (group.parts[place] or 0) for sign, place in places.n)
            found[number] = records // formula.n_scale or NOTHING
    return tuple(found)
