"""From the metrics that were asked for to formulas, with parameters and clock resolved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from csapi.kit.problems import shown
from csapi.metrics.catalog import METRICS
from csapi.metrics.catalog.vocabulary import INCLUDE_NEGATIVE
from csapi.metrics.formulas import Formula, Metric, Param, ParamType
from csapi.metrics.parts import Hours
from csapi.metrics.question import Asked
from csapi.metrics.sampling import sampling_of
from csapi.reports.refusals import refuse
from csapi.reports.schemas import MetricRequest

NONE: Mapping[str, Metric] = {}


def resolve_metrics(
    requests: Sequence[MetricRequest], custom: Mapping[str, Metric] = NONE
) -> tuple[Asked, ...]:
    """`custom`: the tenant's own metrics by their ids."""
    known = {**METRICS, **custom} if custom else METRICS
    asked: list[Asked] = []
    for index, request in enumerate(requests):
        where = f"/metrics/{index}"
        found = resolve_metric(request, known, where)
        if any(each.name == found.name for each in asked):
            message = f"Two metrics are named {shown(found.name)}: use `as`."
            refuse(f"{where}/as", "invalid_value", message)
        asked.append(found)
    return tuple(asked)


def resolve_metric(request: MetricRequest, known: Mapping[str, Metric], where: str) -> Asked:
    metric = known.get(request.id)
    if metric is None:
        message = f"There is no metric {shown(request.id)}."
        refuse(f"{where}/id", "unknown_metric", message, sorted(known))
    params = resolve_params(metric, request.params, f"{where}/params")
    formula = resolve_hours(metric, metric.build(params), request.hours, where)
    agg = metric.default_agg if request.agg in (None, "avg") else request.agg
    if request.agg is not None and request.agg not in metric.aggregations:
        refuse(
            f"{where}/agg",
            "invalid_value",
            f"{metric.id} has no aggregation {request.agg}.",
            metric.aggregations,
        )
    return Asked(request.as_ or metric.id, metric, params, formula, agg)


def with_sampling(asked: Sequence[Asked], *, from_facts: bool) -> tuple[Asked, ...]:
    """The same metrics with what their intervals and tests are made of; only where it is asked for
    from what summaries do not have."""
    found = []
    for each in asked:
        sampling = sampling_of(each.metric, each.formula, each.agg)
        found.append(replace(each, sampling=sampling if from_facts else sampling.stored()))
    return tuple(found)


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
