"""The catalog as data, and as docs/metrics.md."""

from collections.abc import Sequence

from csapi.facts.outcomes import Told
from csapi.metrics.catalog import METRICS
from csapi.metrics.dimensions import Dimension
from csapi.metrics.fingerprints import fingerprint
from csapi.metrics.metric import Metric
from csapi.metrics.pairs import PAIRS
from csapi.metrics.parts import Hours
from csapi.metrics.words import ENGLISH, Words
from csapi.reports.catalog_schemas import MetricInfo, ParamInfo
from csapi.reports.checks import allowed_dimensions
from csapi.reports.schemas import MaturityState


def metric_info(
    metric: Metric, custom: Sequence[Dimension] = (), words: Words = ENGLISH
) -> MetricInfo:
    return MetricInfo(
        id=metric.id,
        label=words.metric(metric),
        description=metric.description,
        formula=metric.formula_text,
        unit=metric.unit,
        direction=metric.direction,
        time_basis=metric.time_basis,
        merge_class=metric.merge_class,
        attribution=metric.attribution,
        dimensions=allowed_dimensions(metric, custom),
        params=[
            ParamInfo(
                name=param.name,
                type=param.type,
                default_value=param.default,
                description=param.description,
                choices=list(param.choices),
            )
            for param in metric.params
        ],
        aggregations=metric.aggregations,
        hours=metric.hours,
        example=metric.example,
        pitfalls=metric.pitfalls,
        version=metric.version,
        fingerprint=fingerprint(metric),
        maturity=maturity_of(metric),
        pairs_with=list(PAIRS.get(metric.id, ())),
    )


def maturity_of(metric: Metric) -> MaturityState:
    """Whether what is counted may still change sides, by the catalog's parameters."""
    if metric.stays_open:
        return MaturityState.open
    has_window = metric.build(metric.defaults).matures_ms is not None
    return MaturityState.window if has_window else MaturityState.final


NEEDED = {
    Told.MESSAGES: "messages",
    Told.STATUSES: "changes of status",
    Told.ASSIGNMENTS: "assignments",
}


def catalog_page() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Generated from `src/csapi/metrics/catalog.py` by `make openapi`; do not edit.",
        "",
        "Durations are seconds, shares lie between 0 and 1, points between -100 and 100. Every",
        "value comes with its numerator, denominator and sample size. A negative duration stays",
        "out and is counted under",
        "`excluded`. The time basis says which instant decides the bucket: `event`, that of the",
        "event; `cohort`, that of the start of the unit; with `interval`, each second counts where",
        "it passed. Attribution says whose the number is by agent or team: `actor`, who did it;",
        "`owner_then`, who owned it at that moment; `survey_snapshot`, whom the request or the",
        "feedback names, else the owner then.",
        "",
    ]
    for metric in METRICS.values():
        lines += entry(metric)
    return "\n".join(lines)


def entry(metric: Metric) -> list[str]:
    facts = (metric.unit, metric.direction, metric.time_basis, metric.merge_class)
    lines = [f"## {metric.label}", "", f"`{metric.id}` · {' · '.join(facts)}"]
    lines[-1] += f" · {metric.attribution} · version {metric.version}"
    lines += ["", metric.description, "", f"- formula: {metric.formula_text}"]
    lines += [
        f"- `{param.name}` (default {param.default}): {param.description}"
        + (f" One of {', '.join(param.choices)}." if param.choices else "")
        for param in metric.params
    ]
    if metric.aggregations:
        has_spread = "p1" in metric.aggregations
        spread = ", `min`, `max` and `p1` to `p99`" if has_spread else ""
        lines.append(f"- also as `sum`, `count`{spread}")
    if Hours.business in metric.hours:
        lines.append('- also in business hours: `"hours": "business"`')
    if (needs := metric.build(metric.defaults).needs) is not None:
        lines.append(f"- null (`not_sent`) where tickets come as snapshots without {NEEDED[needs]}")
    if metric.stays_open:
        lines.append("- its latest units may change sides for as long as they like")
    lines.append(f"- example: {metric.example}")
    if metric.pitfalls:
        lines.append(f"- mind: {metric.pitfalls}")
    return [*lines, ""]
