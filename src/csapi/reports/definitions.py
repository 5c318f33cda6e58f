"""Custom metrics: from a definition on the wire to a metric like those of the catalog."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.kit.problems import Problem
from csapi.metrics.arithmetic import FormulaError, Node, names_of, parse
from csapi.metrics.catalog import METRICS
from csapi.metrics.composed import Operand, composed
from csapi.metrics.dimensions import CUSTOM_PREFIX
from csapi.metrics.metric import Attribution, Direction, MergeClass, Metric, TimeBasis, Unit
from csapi.metrics.parts import Hours
from csapi.metrics.question import Asked
from csapi.reports.ordering import Name
from csapi.reports.refusals import refuse
from csapi.reports.resolve_metrics import resolve_metric
from csapi.reports.schemas import MetricRequest

LONGEST_FORMULA = 500
AGGREGATIONS = ["avg", "sum", "count"]
ALL = "SELECT id, definition::text AS definition FROM custom_metrics WHERE tenant_id = $1"


class MetricOperand(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A metric of the catalog within a formula. `agg`, of means: avg, sum or count."""

    id: Name
    agg: Annotated[str, Meta(max_length=5)] | None = None
    hours: Hours = Hours.calendar
    params: dict[str, Any] = {}


class MetricDefinition(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A metric as a formula: numbers, names, + - * / and parentheses. A name is that of an operand,
    or the id of a metric of the catalog as it is without parameters."""

    label: Name
    unit: Unit
    formula: Annotated[str, Meta(min_length=1, max_length=LONGEST_FORMULA)]
    direction: Direction = Direction.neutral
    description: Annotated[str, Meta(max_length=1_000)] = ""
    operands: Annotated[
        dict[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$")], MetricOperand],
        Meta(max_length=12),
    ] = {}


def build_metric(metric_id: str, definition: MetricDefinition) -> Metric:
    """The metric `custom.<metric_id>`. Raises Problem with the places that are wrong."""
    root = tree_of(definition)
    asked = {name: operand_of(definition, name) for name in dict.fromkeys(names_of(root))}
    for name in definition.operands:
        if name not in asked:
            refuse(f"/operands/{name}", "invalid_value", "The formula does not have this name.")
    formula = composed(root, [operand(definition, name, each) for name, each in asked.items()])
    metrics = [each.metric for each in asked.values()]
    bases, attributions = (
        {each.time_basis for each in metrics},
        {each.attribution for each in metrics},
    )
    content = msgspec.json.encode(definition)
    return Metric(
        id=CUSTOM_PREFIX + metric_id,
        label=definition.label,
        description=definition.description,
        formula_text=definition.formula,
        unit=definition.unit,
        direction=definition.direction,
        time_basis=bases.pop() if len(bases) == 1 else TimeBasis.event,
        merge_class=MergeClass.ratio,
        attribution=attributions.pop() if len(attributions) == 1 else Attribution.actor,
        build=lambda _: formula,
        example="",
        pitfalls="",
        version=hashlib.blake2b(content, digest_size=6).hexdigest(),
        by_rating=all(each.by_rating for each in metrics),
        caution_by_agent=" ".join(
            dict.fromkeys(each.caution_by_agent for each in metrics if each.caution_by_agent)
        ),
    )


def operand(definition: MetricDefinition, name: str, asked: Asked) -> Operand:
    given = definition.operands.get(name) or MetricOperand(id=name)
    params = tuple(sorted(given.params.items()))
    return Operand(name, asked.formula, asked.agg, asked.metric.id, params, given.hours)


def tree_of(definition: MetricDefinition) -> Node:
    try:
        return parse(definition.formula)
    except FormulaError as error:
        refuse("/formula", "invalid_value", str(error))


def operand_of(definition: MetricDefinition, name: str) -> Asked:
    """What a name of the formula stands for, with nothing left open."""
    given = definition.operands.get(name)
    if given is None:
        if name not in METRICS:
            message = f"{name} is neither an operand nor a metric of the catalog."
            refuse("/formula", "unknown_metric", message, sorted(METRICS))
        given, where = MetricOperand(id=name), "/formula"
    else:
        where = f"/operands/{name}"
    if given.id.startswith(CUSTOM_PREFIX):
        refuse(f"{where}/id", "not_supported", "A formula is over metrics of the catalog alone.")
    if given.agg is not None and given.agg not in AGGREGATIONS:
        message = "Extremes and percentiles of parts say nothing of the whole."
        refuse(f"{where}/agg", "invalid_value", message, AGGREGATIONS)
    request = MetricRequest(id=given.id, agg=given.agg, hours=given.hours, params=given.params)
    asked = resolve_metric(request, METRICS, where)
    is_estimate = asked.formula.survival is not None
    if asked.metric.merge_class is MergeClass.extreme or is_estimate:
        what = "estimated" if is_estimate else "an extreme"
        message = f"{given.id} is {what}: those of parts say nothing of the whole."
        refuse(where, "not_supported", message)
    return asked


@lru_cache(maxsize=1_000)
def read_metric(metric_id: str, definition: str) -> Metric:
    return build_metric(metric_id, msgspec.json.decode(definition, type=MetricDefinition))


async def custom_metrics(connection: asyncpg.Connection, tenant_id: UUID) -> Mapping[str, Metric]:
    """The tenant's own metrics by their ids, as queries name them."""
    rows = await connection.fetch(ALL, tenant_id)
    found = {}
    for row in rows:
        # One over a metric or a parameter that is no more is unknown, and costs the others nothing.
        with suppress(Problem):
            metric = read_metric(row["id"], row["definition"])
            found[metric.id] = metric
    return found
