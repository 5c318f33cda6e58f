"""Several groups as one, from their parts. Pure."""

from collections.abc import Sequence

from csapi.metrics.parts import COMMON, EXTREMES
from csapi.metrics.question import Question
from csapi.reports.fillings import Found, Group, Hidden, hidden_in


def merged(question: Question, groups: Sequence[Group]) -> Group:
    """Several groups as one, from their parts."""
    parts: list[int | None] = []
    for place, part in enumerate(question.parts):
        values = [value for group in groups if (value := group.parts[place]) is not None]
        extreme = EXTREMES.get(part.measure)
        if part.measure in COMMON:
            parts.append(max(values, default=0))
        elif extreme is None:
            parts.append(sum(values))
        else:
            parts.append((min if extreme == "min" else max)(values, default=None))
    counted = [each.customers for each in groups if each.customers]
    customers = tuple(map(max, zip(*counted, strict=True)))
    records, hidden = merged_records(question, groups, parts), too_few(question, groups)
    return Group((), parts, {}, records, customers, hidden)


def merged_records(
    question: Question, groups: Sequence[Group], parts: Sequence[int | None]
) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for asked, places in zip(question.metrics, question.places, strict=True):
        if (place := places.extreme) is None:
            continue
        for group in groups:
            is_it = group.parts[place] == parts[place]
            if is_it and group.records and asked.name in group.records:
                found.setdefault(asked.name, group.records[asked.name])
    return found


def too_few(question: Question, groups: Sequence[Group]) -> Hidden:
    """What to hide of several groups as one: what is hidden of some of them and shown of none."""
    names = [asked.name for asked in question.metrics]
    return {
        name: reason
        for name, reason in hidden_in(groups).items()
        if not any(
            name not in group.hidden and group.customers and group.customers[names.index(name)] >= 0
            for group in groups
        )
    }
