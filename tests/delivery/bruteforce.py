"""Summaries from facts in plain Python: what every bucket should hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from csapi.metrics.bins import bin_of
from csapi.metrics.cuboids import CUBOIDS, Cuboid

Row = Mapping[str, Any]
# cuboid, kind, outcome, key1, key2
Key = tuple[int, int, int, int, int]
Cells = dict[Key, dict[str, Any]]

PLAIN = (
    "n", "negative_n", "negative_sum", "duration_n", "duration_sum", "duration_sumsq",
    "duration_min", "duration_max", "duration_zero_n", "business_n", "business_sum",
    "value_n", "value_sum", "value_sumsq",
)  # fmt: skip


def declared(attribute_slots: Iterable[int]) -> list[Cuboid]:
    slots = {None, *attribute_slots}
    return [cuboid for cuboid in CUBOIDS if cuboid.attribute_slot in slots]


def summarized(facts: Sequence[Row], cuboids: Iterable[Cuboid]) -> Cells:
    groups: dict[Key, list[Row]] = defaultdict(list)
    for fact in facts:
        for cuboid in cuboids:
            members = [fact[column] or 0 for column in cuboid.columns]
            key1, key2 = (*members, 0, 0)[:2]
            groups[cuboid.number, fact["kind"], fact["outcome"], key1, key2].append(fact)
    return {key: cell(rows) for key, rows in groups.items()}


def cell(rows: Sequence[Row]) -> dict[str, Any]:
    durations = [row["duration_ms"] for row in rows if row["duration_ms"] is not None]
    negative = [row["negative_ms"] for row in rows if row["negative_ms"] is not None]
    business = [row["business_ms"] for row in rows if row["business_ms"] is not None]
    values = [row["value"] for row in rows if row["value"] is not None]
    return {
        "n": len(rows),
        "negative_n": len(negative),
        "negative_sum": sum(negative),
        "duration_n": len(durations),
        "duration_sum": sum(durations),
        "duration_sumsq": sum(each * each for each in durations),
        "duration_min": min(durations, default=None),
        "duration_max": max(durations, default=None),
        "duration_zero_n": durations.count(0),
        "business_n": len(business),
        "business_sum": sum(business),
        "value_n": len(values),
        "value_sum": sum(values),
        "value_sumsq": sum(each * each for each in values),
        "bins": Counter(bin_of(each) for each in durations),
    }


def stored_cell(row: Row) -> dict[str, Any]:
    bins = row["bins"] or []
    upto = row["counts"] or range(1, len(bins) + 1)
    counts = [after - before for before, after in pairwise([0, *upto])]
    counted: Counter[int] = Counter()
    for number, count in zip(bins, counts, strict=True):
        counted[number] += count
    return {**{name: row[name] for name in PLAIN}, "bins": counted}


def stored_key(row: Row) -> Key:
    return row["cuboid"], row["kind"], row["outcome"], row["key1"], row["key2"]


def differences(expected: Cells, stored: Cells) -> list[str]:
    return [
        f"{key}: expected {expected.get(key)}, stored {stored.get(key)}"
        for key in sorted(expected.keys() | stored.keys())
        if expected.get(key) != stored.get(key)
    ]
