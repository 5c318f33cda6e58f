"""Asking for the records behind a cell, and adding up what they bring."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.metrics.test_metric_laws import RANGE
from tests.metrics.world import TIMEZONE

from csapi.metrics.formulas import Formula
from csapi.metrics.metric import Metric
from csapi.metrics.parts import COMMON, Combo

List = Callable[..., Awaitable[Any]]
COUNTED = ("numerator", "denominator", "n")


def one(metric: Metric, dimensions: Sequence[str], **more: Any) -> dict[str, Any]:
    chosen = {key: more.pop(key) for key in ("params", "hours", "agg") if key in more}
    return {
        "metrics": [{"id": metric.id, "as": "m", **chosen}],
        "time": {"range": RANGE, "timezone": TIMEZONE},
        "dimensions": list(dimensions),
        **more,
    }


async def all_of(behind: List, tenant_id: UUID, query: Mapping[str, Any], limit: int) -> Any:
    """The pages as one answer."""
    whole: dict[str, Any] = {}
    cursor = None
    while True:
        page = await behind(tenant_id, {**query, "limit": limit, "cursor": cursor})
        assert len(page["data"]) <= limit
        assert not whole or page["value"] == whole["value"]
        whole = {**page, "data": [*whole.get("data", []), *page["data"]]}
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            return whole


def brought(answer: Any, part: str, scale: int = 1) -> Decimal:
    """What the entries add up to. Decimals that JSON holds exactly add up exactly; of what is
    stored in smaller pieces, such as hours of milliseconds, count the pieces."""
    values = [each["contribution"][part] for each in answer["data"]]
    if scale > 1_000_000:
        return Decimal(sum(round(value * scale) for value in values))
    return sum((Decimal(repr(value)) for value in values), Decimal(0)) * scale


def is_held_against(combo: Combo | None) -> bool:
    return combo is not None and any(part.measure in COMMON for part in combo.parts)


def check_sums(formula: Formula, answer: Any) -> None:
    """Numerator, denominator, n and what is excluded are the sums of those of the entries; what a
    value is held against is in none of them."""
    value = answer["value"]
    scales = {"numerator": formula.numerator_scale, "denominator": formula.denominator_scale}
    for part in COUNTED:
        if value[part] is None and value["null_reason"] == "mixed_scales":
            # Each record has its rating; there is no sum of them.
            continue
        if value[part] is None or is_held_against(getattr(formula, part)):
            assert all(each["contribution"][part] is None for each in answer["data"])
            continue
        scale = scales.get(part, 1)
        assert brought(answer, part, scale) == round(Decimal(repr(value[part])) * scale, 3), part
