"""From the metrics that were asked for to formulas, with parameters and clock resolved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NoReturn

from msgspec import structs

from csapi.kit.problems import shown
from csapi.metrics.catalog import METRICS
from csapi.metrics.catalog.vocabulary import INCLUDE_NEGATIVE
from csapi.metrics.composed import ComposedFormula, composed
from csapi.metrics.formulas import Formula
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType
from csapi.metrics.parts import Hours
from csapi.metrics.periods import Period
from csapi.metrics.question import Asked
from csapi.metrics.sampling import sampling_of
from csapi.metrics.variants import Settled, Variant, in_force, joined, merged
from csapi.reports.refusals import refuse
from csapi.reports.schemas import MetricRequest


@dataclass(frozen=True, slots=True)
class Rules:
    """What the tenant brings to its metrics: what it has settled by metric, the zone of the days
    from which on that holds, what its latest tickets come without, and metrics of its own."""

    timezone: str
    now: datetime
    settled: Mapping[str, Sequence[Settled]] = field(default_factory=dict)
    untold: int = 0
    custom: Mapping[str, Metric] = field(default_factory=dict)


def resolve_metrics(
    requests: Sequence[MetricRequest], period: Period, rules: Rules
) -> tuple[Asked, ...]:
    known = {**METRICS, **rules.custom} if rules.custom else METRICS
    asked: list[Asked] = []
    for index, request in enumerate(requests):
        where = f"/metrics/{index}"
        metric, one = checked(request, known, where)
        name = request.as_ or metric.id
        if any(each.name == name for each in asked):
            message = f"Two metrics are named {shown(name)}: use `as`."
            refuse(f"{where}/as", "invalid_value", message)
        asked.append(settled_metric(metric, name, one, period, rules, where))
    return tuple(asked)


def checked(
    request: MetricRequest, known: Mapping[str, Metric], where: str
) -> tuple[Metric, MetricRequest]:
    """The metric, and the request with its aggregation resolved. Raises Problem."""
    metric = known.get(request.id)
    if metric is None:
        message = f"There is no metric {shown(request.id)}."
        refuse(f"{where}/id", "unknown_metric", message, sorted(known))
    resolve_params(metric, request.params, f"{where}/params")
    agg = metric.default_agg if request.agg in (None, "avg") else request.agg
    if request.agg is not None and request.agg not in metric.aggregations:
        refuse(
            f"{where}/agg",
            "invalid_value",
            f"{metric.id} has no aggregation {request.agg}.",
            metric.aggregations,
        )
    return metric, structs.replace(request, agg=agg)


def resolve_metric(request: MetricRequest, known: Mapping[str, Metric], where: str) -> Asked:
    """A metric as the catalog defines it, whatever a tenant has settled."""
    metric, one = checked(request, known, where)
    params = resolve_params(metric, request.params, f"{where}/params")
    formula = resolve_hours(metric, formula_of(metric, params), request.hours, where)
    refuse_spread(metric, formula, one.agg, where)
    return Asked(request.as_ or metric.id, metric, params, formula, one.agg)


def refuse_spread(metric: Metric, formula: Formula, agg: str | None, where: str) -> None:
    """Parameters can make a mean of one over other records, which has no percentiles."""
    allowed = ["avg", "sum", "count"]
    is_plain = metric.merge_class is MergeClass.mean and formula.spread is None
    if is_plain and agg not in (None, *allowed):
        message = f"{metric.id} has no aggregation {agg} with these parameters."
        refuse(f"{where}/agg", "invalid_value", message, allowed)


def formula_of(metric: Metric, params: Mapping[str, Any]) -> Formula:
    """How the metric comes out of parts with these parameters."""
    if METRICS.get(metric.id) is not metric:
        return metric.build(params)
    return catalog_formula(metric.build, tuple(params.items()))


@lru_cache(maxsize=2_000)
def catalog_formula(
    build: Callable[[Mapping[str, Any]], Formula], params: tuple[tuple[str, Any], ...]
) -> Formula:
    return build(dict(params))


def with_sampling(asked: Sequence[Asked], *, from_facts: bool) -> tuple[Asked, ...]:
    """The same metrics with what their intervals and tests are made of; only where it is asked for
    from what summaries do not have."""
    found = []
    for each in asked:
        sampling = sampling_of(each.metric, each.formula, each.agg)
        found.append(replace(each, sampling=sampling if from_facts else sampling.stored()))
    return tuple(found)


def settled_metric(
    metric: Metric,
    name: str,
    request: MetricRequest,
    period: Period,
    rules: Rules,
    where: str,
) -> Asked:
    """The metric by what is in force: what the query says, else what the tenant has settled for
    that day, else the catalog."""

    def build(variant: Variant) -> Formula:
        return resolve_hours(metric, formula_of(metric, variant.params), request.hours, where)

    if metric.id in rules.custom:
        formula = resolve_hours(metric, metric.build({}), request.hours, where)
        return settled_composed(Asked(name, metric, {}, formula), period, rules, where)
    entries = rules.settled.get(metric.id, ())
    variants = [
        replace(each, params=resolve_params(metric, {**each.params, **request.params}, where))
        for each in in_force(entries, rules.timezone, period.start, period.end)
    ]
    variants = merged(variants)
    params = dict(variants[-1].params) if len(variants) == 1 else request.params
    by_spread = request.agg not in (None, "sum", "count")
    formula = build(variants[0])
    if len(variants) > 1:
        pieces = [(build(each), each) for each in variants]
        formula = joined(pieces, by_spread=by_spread) or torn(metric, variants, where)
    refuse_spread(metric, formula, request.agg, where)
    is_untold = formula.needs is not None and bool(rules.untold & formula.needs)
    shown = tuple(variants) if entries else ()
    found = Asked(name, metric, params, formula, request.agg, shown, is_untold=is_untold)
    if formula.matures_ms is None:
        return found
    matured = rules.now - timedelta(milliseconds=formula.matures_ms)
    if matured >= period.end:
        return found
    return replace(found, unsettled=formula.n.between(matured, None))


def settled_composed(asked: Asked, period: Period, rules: Rules, where: str) -> Asked:
    """A formula whose operands are by what is in force, as they would be alone: what its definition
    names stays as it is."""
    formula = asked.formula
    if not isinstance(formula, ComposedFormula):
        raise TypeError(asked.name)
    operands, variants = [], {}
    for each in formula.operands:
        if each.metric not in rules.settled:
            operands.append(each)
            continue
        request = MetricRequest(
            id=each.metric, agg=each.agg, hours=each.hours, params=dict(each.params)
        )
        one = settled_metric(METRICS[each.metric], each.name, request, period, rules, where)
        operands.append(replace(each, formula=one.formula))
        variants[each.name] = one.variants
    if not variants:
        return asked
    return replace(asked, formula=composed(formula.root, operands), of_operands=variants)


def torn(metric: Metric, variants: Sequence[Variant], where: str) -> NoReturn:
    days = ", ".join(str(each.setting) for each in variants[1:])
    refuse(
        where,
        "definition_changes",
        f"What the tenant has settled for {metric.id} changes within the range, on {days}, and "
        "its numbers before and after do not add up. Ask for each side on its own, or name the "
        f"parameters that differ: {', '.join(differing(variants))}.",
    )


def differing(variants: Sequence[Variant]) -> list[str]:
    return [
        name
        for name, value in variants[0].params.items()
        if any(each.params.get(name) != value for each in variants)
    ]


def resolve_hours(metric: Metric, formula: Formula, hours: Hours, where: str) -> Formula:
    """The formula by the clock that is asked for."""
    if hours is Hours.calendar:
        return formula
    if hours not in metric.hours:
        refuse(
            f"{where}/hours", "invalid_value", f"{metric.id} has no business hours.", metric.hours
        )
    if not formula.has_twin:
        refuse(
            f"{where}/params/{INCLUDE_NEGATIVE.name}",
            "not_supported",
            "A negative duration has no business time.",
        )
    return formula.in_business_hours()


def resolve_params(metric: Metric, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = {param.name: param for param in metric.params}
    for name in given:
        if name not in known:
            refuse(
                f"{where}/{shown(name)}",
                "unknown_parameter",
                f"{metric.id} has no parameter {shown(name)}.",
                sorted(known),
            )
    params = dict(metric.defaults)
    for name, value in given.items():
        params[name] = resolve_param(known[name], value, f"{where}/{name}")
    return params


def resolve_param(param: Param, value: Any, where: str) -> Any:
    if value is None:
        return param.default
    if param.type is ParamType.flag:
        if not isinstance(value, bool):
            refuse(where, "wrong_type", "Expected true or false.")
    elif param.type is ParamType.choice:
        if value not in param.choices:
            refuse(where, "invalid_value", "Not one of the choices.", param.choices)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        refuse(where, "wrong_type", "Expected a number.")
    elif not param.minimum <= value <= param.maximum:
        refuse(where, "out_of_range", f"Between {param.minimum:g} and {param.maximum:g}.")
    return value
