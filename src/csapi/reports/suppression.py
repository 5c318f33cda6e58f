"""Hiding numbers about few customers.

A cell is hidden when it has records of fewer different customers than the tenant's smallest group;
a record that names no customer shows none. With it goes the smallest shown cell of each of its
lines, so that a total does not give it away: what is hidden of a line is about a group that is
large enough. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from csapi.facts.kinds import Kind
from csapi.kit.db import Statement
from csapi.metrics.compile import Compiler, matching
from csapi.metrics.plan import from_facts
from csapi.metrics.question import Asked, Question

Keys = tuple[int | None, ...]
Customers = Sequence[int]
# In the place of a number of customers where there is no record at all: there is no one to hide.
NOTHING = -1
Line = tuple[int, Keys, Keys]

# About people on our side and what they cost: no customer is in them.
OUR_OWN = frozenset(
    {
        Kind.PRESENCE, Kind.PRESENCE_INTERVAL, Kind.SHIFT, Kind.SHIFT_INTERVAL, Kind.SHIFT_ONLINE,
        Kind.SHIFT_READY, Kind.SHIFT_KEPT, Kind.SHIFT_WORKED, Kind.WORK_SESSION,
        Kind.WORK_SESSION_INTERVAL, Kind.STAFF_COST, Kind.FIXED_COST, Kind.TASK_ASSIGNED,
        Kind.TASK_COMPLETED,
    }
)  # fmt: skip


def is_about_customers(asked: Asked) -> bool:
    return any(part.kind not in OUR_OWN for part in asked.own_parts)


def customers_statement(tenant_id: UUID, question: Question) -> Statement:
    """One row a group: g0.., is_total, and for each metric how many different customers it is
    about."""
    compiler = Compiler(tenant_id, question)
    pieces = from_facts(question.period.start, question.period.end)
    rows = compiler.union(pieces, None, {"customer": "f.customer"}, {})
    return compiler.grouped(rows, [counted(asked, n) for n, asked in enumerate(question.metrics)])


def counted(asked: Asked, number: int) -> str:
    of_metric = dict.fromkeys(matching(part.kind, part.outcomes) for part in asked.own_parts)
    wanted = " OR ".join(f"({each})" for each in of_metric)
    return (
        f"CASE WHEN count(*) FILTER (WHERE {wanted}) = 0 THEN {NOTHING} "
        f"ELSE count(DISTINCT customer) FILTER (WHERE {wanted}) END AS c{number}"
    )


def hidden_names(
    question: Question, customers: Mapping[Keys, Customers], smallest: int
) -> dict[Keys, frozenset[str]]:
    """The metrics to hide of each group, by its keys."""
    found: dict[Keys, set[str]] = {}
    for place, asked in enumerate(question.metrics):
        if not is_about_customers(asked):
            continue
        counts = {keys: each[place] for keys, each in customers.items()}
        for keys in hidden_keys(counts, smallest):
            found.setdefault(keys, set()).add(asked.name)
    return {keys: frozenset(names) for keys, names in found.items()}


def hidden_keys(counts: Mapping[Keys, int], smallest: int) -> set[Keys]:
    """The groups to hide: the small ones, and in each line that has one the smallest of the rest.

    A line is what differs in one dimension alone: its sum can be asked for.
    """
    hidden = {keys for keys, count in counts.items() if NOTHING < count < smallest}
    lines: dict[Line, list[Keys]] = defaultdict(list)
    for keys in sorted(counts, key=lambda keys: counts[keys]) if hidden else ():
        if counts[keys] >= smallest:
            for line in lines_of(keys):
                lines[line].append(keys)
    pending = [line for keys in hidden for line in lines_of(keys)]
    done: set[Line] = set()
    while pending:
        line = pending.pop()
        large = lines.get(line, ())
        if line in done or not large:
            continue
        done.add(line)
        if not any(keys in hidden for keys in large):
            hidden.add(large[0])
            pending += lines_of(large[0])
    return hidden


def lines_of(keys: Keys) -> list[Line]:
    return [(place, keys[:place], keys[place + 1 :]) for place in range(len(keys))]
