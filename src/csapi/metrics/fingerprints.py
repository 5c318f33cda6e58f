"""What names a definition: a digest of its formula, the same wherever and whenever it is taken."""

import hashlib
from typing import Any

import msgspec

from csapi.metrics.formulas import Formula
from csapi.metrics.metric import Metric
from csapi.metrics.parts import Combo


def fingerprint(metric: Metric) -> str:
    """Of the formula by the catalog's parameters."""
    return digest(metric.build(metric.defaults))


def cases(metric: Metric) -> dict[str, str]:
    """The same for the defaults, by business hours where that is a formula of its own, and for
    every other choice and flag on its own."""
    found = {"": fingerprint(metric)}
    if (business := metric.build(metric.defaults).business) is not None:
        found["hours=business"] = digest(business)
    for param in metric.params:
        flags = (True, False) if isinstance(param.default, bool) else ()
        for choice in (*param.choices, *flags):
            if choice != param.default:
                params = {**metric.defaults, param.name: choice}
                found[f"{param.name}={choice}"] = digest(metric.build(params))
    return found


def digest(formula: Formula) -> str:
    told: dict[str, Any] = {
        "numerator": terms(formula.numerator),
        "denominator": terms(formula.denominator),
        "n": terms(formula.n),
        "negative": terms(formula.negative),
        "scales": [formula.numerator_scale, formula.denominator_scale, formula.n_scale],
        "exclude_zero": formula.exclude_zero,
        "matures_ms": formula.matures_ms,
    }
    if formula.spread is not None:
        told["spread"] = [int(formula.spread.kind), list(map(int, formula.spread.outcomes))]
    if formula.one_scale is not None:
        told["one_scale"] = int(formula.one_scale.kind)
    return hashlib.blake2b(msgspec.json.encode(told), digest_size=8).hexdigest()


def terms(combo: Combo | None) -> list[Any] | None:
    if combo is None:
        return None
    return [
        [sign, int(part.kind), list(map(int, part.outcomes)), part.measure, part.threshold_ms]
        for sign, part in combo.terms
    ]
