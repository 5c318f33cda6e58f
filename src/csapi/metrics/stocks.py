"""Stocks: balances at the end of each bucket, from the balance before and the changes inside."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from csapi.metrics.parts import EXTREMES
from csapi.metrics.periods import Period
from csapi.metrics.question import MemberGroup, Question, TimeGroup

Keys = tuple[int | None, ...]
Parts = Sequence[int | None]


def opening_question(question: Question, period: Period) -> Question:
    """What was in stock at the end of `period`, by the members that `question` asks for."""
    return replace(
        question,
        period=period,
        metrics=tuple(asked for asked in question.metrics if asked.formula.is_stock),
        groups=tuple(group for group in question.groups if isinstance(group, MemberGroup)),
    )


def empty_parts(question: Question) -> list[int | None]:
    return [None if part.measure in EXTREMES else 0 for part in question.parts]


def member_keys(question: Question, keys: Keys) -> Keys:
    pairs = zip(question.groups, keys, strict=True)
    return tuple(key for group, key in pairs if isinstance(group, MemberGroup))


def added(
    question: Question, opening: Question, parts: Parts, before: Parts | None
) -> list[int | None]:
    """`parts` with the balances before added to them."""
    found = list(parts)
    if before is not None:
        for place, part in enumerate(opening.parts):
            if (there := question.parts.index(part)) in question.stocks:
                found[there] = (found[there] or 0) + (before[place] or 0)
    return found


def balanced(
    question: Question,
    opening: Question,
    changes: Mapping[Keys, Parts],
    before: Mapping[Keys, Parts],
) -> dict[Keys, Parts]:
    """The parts of every group, with balances in place of changes.

    changes: the parts of a question's groups. before: those of the opening question. With a time
    group there is a row for every member and bucket: a balance stands where nothing happens.
    """
    time_place = next(
        (n for n, group in enumerate(question.groups) if isinstance(group, TimeGroup)), None
    )
    members = {member_keys(question, keys) for keys in changes} | before.keys()
    if time_place is None:
        return {
            keys: added(
                question, opening, changes.get(keys) or empty_parts(question), before.get(keys)
            )
            for keys in members or (set() if question.groups else {()})
        }
    group = question.groups[time_place]
    count = len(group.buckets) if isinstance(group, TimeGroup) else 0
    found: dict[Keys, Parts] = {}
    for member in members or ({()} if len(question.groups) == 1 else set()):
        start = added(question, opening, empty_parts(question), before.get(member))
        running = {place: start[place] or 0 for place in question.stocks}
        for bucket in range(count):
            keys = (*member[:time_place], bucket, *member[time_place:])
            parts = list(changes.get(keys) or empty_parts(question))
            for place in question.stocks:
                running[place] += parts[place] or 0
                parts[place] = running[place]
            found[keys] = parts
    return found
