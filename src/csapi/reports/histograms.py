"""How durations are spread: counts between fixed edges, exact from summaries as from facts."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from csapi.metrics.formulas import MS_PER_SECOND, Facts, Formula
from csapi.metrics.parts import LASTING, Combo, Hours
from csapi.metrics.question import Asked, Question
from csapi.reports.comparison import NullReason
from csapi.reports.layouts import Histogram
from csapi.reports.read import Reading
from csapi.reports.shape import metric_value

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# Each is an edge of the bins of summaries, so that no count is estimated.
EDGES = (
    *(0, 1, 2, 5, 10, 15, 20, 30, 45),
    *(minutes * MINUTE for minutes in (1, 2, 3, 5, 10, 15, 30, 45)),
    *(hours * HOUR for hours in (1, 2, 4, 8, 12)),
    *(days * DAY for days in (1, 2, 3, 7, 14, 30)),
)
HIDDEN = (NullReason.suppressed, NullReason.definition_changing)


def known(spread: Facts, combo: Combo) -> Combo:
    return combo.in_business_hours() if spread.hours is Hours.business else combo


def steps(asked: Asked, spread: Facts) -> Iterator[Asked]:
    """Metrics that count the durations at or under each edge, and all of them."""
    everything = known(spread, spread.measured())
    within = [known(spread, spread.within(edge * MS_PER_SECOND)) for edge in EDGES]
    for number, combo in enumerate((*within, everything)):
        formula = Formula(numerator=combo, n=everything)
        yield replace(asked, name=f"{asked.name}/{number}", formula=formula, agg=None)


async def histograms_of(
    read: Callable[[Question], Awaitable[Reading]], question: Question
) -> dict[str, Histogram]:
    """By the names of the metrics that are means of durations, over all that the filters leave."""
    spread = {
        each.name: each
        for each in question.metrics
        if each.formula.spread is not None and each.formula.spread.kind not in LASTING
    }
    metrics = [
        step
        for asked in spread.values()
        if asked.formula.spread is not None
        for step in steps(asked, asked.formula.spread)
    ]
    if not metrics:
        return {}
    whole = replace(question, metrics=tuple(metrics), groups=(), with_totals=False, kept=None)
    (group,) = (await read(whole)).groups
    counted = {
        asked.name: metric_value(asked, places, group)
        for asked, places in zip(whole.metrics, whole.places, strict=True)
    }
    found = {}
    for name, asked in spread.items():
        if counted[f"{name}/0"].null_reason in HIDDEN:
            continue
        upto = [int(counted[f"{name}/{n}"].numerator or 0) for n in range(len(EDGES) + 1)]
        if asked.formula.exclude_zero:
            upto = [count - upto[0] for count in upto]
        counts = [after - before for before, after in zip((0, *upto), upto, strict=False)]
        found[name] = Histogram(edges_seconds=list(EDGES), counts=counts, n=upto[-1])
    return found
