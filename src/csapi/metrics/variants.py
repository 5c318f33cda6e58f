"""Definitions that hold for a part of a range: what a tenant has settled, from which day on.

A formula over several of them judges each fact by what was in force on its day. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import lcm
from typing import Any

from csapi.metrics.formulas import Formula
from csapi.metrics.parts import Combo
from csapi.metrics.zones import day_start


@dataclass(frozen=True, slots=True)
class Settled:
    """Parameters of a metric that a tenant has settled from a local day on. They replace those of
    the entry before whole: what they do not name is the catalog's default."""

    valid_from: date
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """The parameters in force in [since, until). setting: the day of the tenant's entry; None: the
    catalog's defaults."""

    since: datetime | None
    until: datetime | None
    setting: date | None
    params: Mapping[str, Any]


def in_force(
    entries: Sequence[Settled], timezone: str, start: datetime, end: datetime
) -> list[Variant]:
    """What holds in [start, end), in its order and without holes. `entries` are sorted by day;
    params are those of the entry alone."""
    found = [Variant(None, None, None, {})]
    for entry in entries:
        since = day_start(timezone, entry.valid_from)
        if since >= end:
            break
        latest = Variant(since, None, entry.valid_from, entry.params)
        if since <= start:
            found = [replace(latest, since=None)]
        else:
            found = [*found[:-1], replace(found[-1], until=since), latest]
    return found


def merged(variants: Sequence[Variant]) -> list[Variant]:
    """The same with neighbors as one that do not differ; the entry that began last names it."""
    found: list[Variant] = []
    for each in variants:
        if found and found[-1].params == each.params:
            found[-1] = replace(each, since=found[-1].since)
        else:
            found.append(each)
    return found


def joined(pieces: Sequence[tuple[Formula, Variant]], *, by_spread: bool) -> Formula | None:
    """One formula over several variants, or None where their numbers do not add up. by_spread: it
    is percentiles or extremes that are wanted."""
    if not by_spread:
        pieces = [
            (replace(each, spread=None, exclude_zero=False), variant) for each, variant in pieces
        ]
    formulas = [formula for formula, _ in pieces]
    first = formulas[0]
    alike = {
        (each.denominator is None, each.spread, each.exclude_zero, each.values_on, each.one_scale)
        for each in formulas
    }
    if len(alike) > 1 or {each.n_scale for each in formulas} != {1}:
        return None
    if any(each.is_beside_rows or each.is_distinct for each in formulas):
        return None
    numerator_scale = lcm(*(each.numerator_scale for each in formulas))
    denominator_scale = lcm(*(each.denominator_scale for each in formulas))

    def total(name: str, scale_name: str = "", scale: int = 1) -> Combo | None:
        whole: Combo | None = None
        for formula, variant in pieces:
            combo: Combo | None = getattr(formula, name)
            if combo is None:
                continue
            if scale_name:
                combo = combo.times(scale // getattr(formula, scale_name))
            combo = combo.between(variant.since, variant.until)
            whole = combo if whole is None else whole + combo
        return whole

    numerator, n = total("numerator", "numerator_scale", numerator_scale), total("n")
    if numerator is None or n is None:
        return None
    return replace(
        first,
        numerator=numerator,
        denominator=total("denominator", "denominator_scale", denominator_scale),
        n=n,
        negative=total("negative"),
        numerator_scale=numerator_scale,
        denominator_scale=denominator_scale,
        stays_open=any(each.stays_open for each in formulas),
        matures_ms=max((each.matures_ms for each in formulas if each.matures_ms), default=None),
    )
