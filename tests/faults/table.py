"""What was measured, as a table that a page can take."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.running import Row

HEAD = (
    "| fault | s | kills | audits (whole) | acknowledged | buckets | violations "
    "| drains max / p99 s |\n"
    "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
)


def p99(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] if ordered else 0.0


def in_words(kills: Counter[str]) -> str:
    parts = [f"{count} {what}" for what, count in kills.most_common()]
    return f"{kills.total()}: {', '.join(parts)}" if parts else "0"


def line(row: Row) -> str:
    return (
        f"| {row.fault} | {row.seconds:.0f} | {in_words(row.kills)} "
        f"| {row.audits} ({row.whole}) | {row.acknowledged} | {row.buckets} "
        f"| {len(row.violations)} | {max(row.drains, default=0):.1f} / {p99(row.drains):.1f} |"
    )


def total(rows: Sequence[Row]) -> Row:
    whole = Row("all")
    for row in rows:
        whole.seconds += row.seconds
        whole.kills += row.kills
        whole.audits += row.audits
        whole.whole += row.whole
        whole.acknowledged += row.acknowledged
        whole.buckets = max(whole.buckets, row.buckets)
        whole.violations += row.violations
        whole.drains += row.drains
    return whole


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *(line(row) for row in rows)]
    if len(rows) > 1:
        lines.append(line(total(rows)))
    notes = [f"- {row.fault}: {note}" for row in rows for note in row.notes]
    return "\n".join(lines + (["", *notes] if notes else []))
