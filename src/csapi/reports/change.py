"""Why a number changed: its change, split by member."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from msgspec import UNSET

from csapi.kit.problems import Problem
from csapi.kit.turns import aside
from csapi.metrics.catalog import METRICS
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.decompose import STEPS, Member, Piece, Side, apportioned, split
from csapi.metrics.metric import MergeClass
from csapi.metrics.parts import COMMON
from csapi.metrics.question import Question, TimeGroup
from csapi.metrics.stocks import empty_parts
from csapi.reports.change_schemas import (
    ChangeAnswer,
    ChangeParts,
    ChangeQuery,
    ChangeRest,
    ChangeRow,
)
from csapi.reports.comparing import Beside, check_compared, paired
from csapi.reports.comparison import NullReason, RowPresence
from csapi.reports.fillings import Group, hidden_in
from csapi.reports.merging import merged
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.narrowing import with_filters
from csapi.reports.ranking import Keys, Rows
from csapi.reports.read import Reading
from csapi.reports.refusals import definition_changing, moved, refuse
from csapi.reports.schemas import Include, Query
from csapi.reports.service import Desk, Snapshot, resolved, slowness_told, snapshot_of
from csapi.reports.shape import are_scales_mixed, dimension_value, ordered, total
from csapi.reports.telling import Teller, tests_in
from csapi.reports.verdicts import Judge

SPLITTABLE = {MergeClass.additive, MergeClass.ratio, MergeClass.mean, MergeClass.stock}


def check_change(question: Question) -> None:
    """That the metric can be split, and by this. Raises Problem."""
    (asked,) = question.metrics
    is_of_whole = any(part.measure in COMMON for part in asked.formula.parts)
    is_custom = isinstance(asked.formula, ComposedFormula)
    is_sum = asked.metric.merge_class in SPLITTABLE and not asked.is_set
    if not is_sum or is_of_whole or is_custom:
        able = [name for name, each in METRICS.items() if each.merge_class in SPLITTABLE]
        message = f"{asked.metric.id} does not split: counts, sums, shares and means do."
        refuse("/metrics/0/id", "not_supported", message, able)
    if asked.percentile is not None or asked.extreme is not None:
        message = f"The {asked.agg} of a whole does not follow from that of its members."
        refuse("/metrics/0/agg", "not_supported", message, ["avg", "sum", "count"])
    for place, group in enumerate(question.groups):
        if isinstance(group, TimeGroup) and not group.is_cycle:
            message = (
                "The two sides have no time buckets in common: split by members, or by cycles."
            )
            refuse(f"/by/{place}", "dimension_not_allowed", message)


async def explain_change(desk: Desk, wanted: ChangeQuery) -> ChangeAnswer:
    """The split, from one snapshot. Raises Problem for what cannot be asked."""
    async with snapshot_of(desk) as snapshot:
        with slowness_told():
            return await explained(snapshot, wanted, whole_query(wanted))


def whole_query(wanted: ChangeQuery) -> Query:
    """What is to be split, as a query by the same dimensions."""
    return Query(
        metrics=wanted.metrics,
        time=wanted.time,
        dimensions=wanted.by,
        filters=wanted.filters,
        compare=wanted.compare,
        include=[Include.totals],
    )


async def explained(snapshot: Snapshot, wanted: ChangeQuery, query: Query) -> ChangeAnswer:
    try:
        asked = await resolved(snapshot, query)
    except Problem as problem:
        raise about_by(problem) from None
    question, target = asked.question, asked.target
    if target is None:
        raise AssertionError(wanted)
    check_change(question)
    reading = await snapshot.read(question)
    other = await snapshot.read(target.question)
    check_shown(reading, other)
    beside = Beside(
        target, other, paired(question, target), {each.keys: each for each in other.groups}
    )
    desk, rows = snapshot.desk, Rows(question, reading, reading.groups)
    query = with_filters(query, desk.only)
    found = await aside(answered, wanted, query, rows, beside, desk)
    found.meta.warnings = asked.warnings
    await add_currency(snapshot.connection, desk.tenant_id, question, found.meta)
    return found


def check_shown(*readings: Reading) -> None:
    """The parts of a change would tell what is hidden. Raises Problem."""
    groups = [each for reading in readings for each in (*reading.groups, reading.total)]
    hidden = hidden_in(group for group in groups if group is not None)
    if NullReason.definition_changing in hidden.values():
        raise definition_changing()
    if hidden:
        message = (
            "Some members are about fewer customers than are shown: split by something coarser, or "
            "use a key with admin:write."
        )
        refuse("/by", "not_supported", message)


def about_by(problem: Problem) -> Problem:
    """A problem with a dimension is one with `by` here."""
    own = "/dimensions/"
    return moved(
        problem,
        lambda place: place.replace(own, "/by/", 1) if place.startswith(own) else place,
    )


@dataclass(frozen=True, slots=True)
class Contributor:
    """A member on both sides (None: it is not there), and its parts in steps."""

    keys: Keys
    own: Group | None
    other: Group | None
    pieces: dict[Piece, int]

    @property
    def contribution(self) -> int:
        return sum(self.pieces.values())


def answered(
    wanted: ChangeQuery, query: Query, rows: Rows, beside: Beside, desk: Desk
) -> ChangeAnswer:
    question = rows.question
    name = question.metrics[0].name
    teller = Teller(question, Judge(question, beside, desk.now), with_intervals=False)
    names = {**beside.reading.names, **rows.reading.names}
    rows = replace(rows, reading=replace(rows.reading, names=names))
    nothing = Group((), empty_parts(question), {})
    wholes = rows.reading.total or nothing, beside.reading.total or nothing
    meta = meta_of(query, rows, beside, [], desk.now)
    meta.query["by"] = meta.query.pop("dimensions")
    found = ChangeAnswer(
        change=None,
        null_reason=NullReason.no_observations,
        parts=None,
        total=teller.one(*wholes)[name],
        data=[],
        other=None,
        meta=meta,
    )
    if are_scales_mixed(question.metrics[0], question.places[0], *wholes):
        found.null_reason = NullReason.mixed_scales
        return found
    ranked = contributors(rows, beside)
    if ranked is None:
        return found
    found.null_reason = None
    found.change = shown(sum(each.contribution for each in ranked))
    found.parts = parts_of(question, ranked)
    size = len(ranked) if wanted.top is None else wanted.top.n
    check_compared(len(ranked[:size]))
    found.data = change_rows(rows, beside, teller, ranked[:size])
    if meta.statistics is not UNSET:
        meta.statistics.tests = tests_in([{name: each.value} for each in found.data])
    if wanted.top is not None and wanted.top.other:
        found.other = rest_of(question, teller, ranked[size:])
    return found


def contributors(rows: Rows, beside: Beside) -> list[Contributor] | None:
    """All members, those that contribute most first; None where there is no change to split."""
    question = rows.question
    own = {group.keys: group for group in rows.reading.groups}
    union = [Group(keys, (), {}) for keys in {**beside.groups, **own}]
    order = [each.keys for each in ordered_members(question, rows, union)]
    pairs = [(there(question, own.get(k)), there(question, beside.groups.get(k))) for k in order]
    members: list[Member] = [(side_of(question, a), side_of(question, b)) for a, b in pairs]
    pieces = split(members, is_quotient=is_quotient(question))
    if pieces is None:
        return None
    flat = [(n, piece, part) for n, each in enumerate(pieces) for piece, part in each.items()]
    steps: list[dict[Piece, int]] = [{} for _ in pieces]
    for (n, piece, _), step in zip(flat, apportioned([part for *_, part in flat]), strict=True):
        steps[n][piece] = step
    found = [
        Contributor(keys, *pair, step)
        for keys, pair, step in zip(order, pairs, steps, strict=True)
        if pair != (None, None)
    ]
    return sorted(found, key=lambda each: -abs(each.contribution))


def ordered_members(question: Question, rows: Rows, union: Sequence[Group]) -> Sequence[Group]:
    return ordered(question, replace(rows.reading, groups=union))


def there(question: Question, group: Group | None) -> Group | None:
    """The group, if anything is in it that the metric counts."""
    if group is None:
        return None
    (places,) = question.places
    terms = (places.numerator, places.denominator or (), places.n)
    return group if any(total(each, group.parts) for each in terms) else None


def side_of(question: Question, group: Group | None) -> Side | None:
    if group is None:
        return None
    (asked,), (places,) = question.metrics, question.places
    formula = asked.formula
    if asked.agg == "count":
        return Side(Fraction(total(places.n, group.parts), formula.n_scale), None)
    above = Fraction(total(places.numerator, group.parts), formula.numerator_scale)
    if places.denominator is None or not is_quotient(question):
        return Side(above, None)
    below = Fraction(total(places.denominator, group.parts), formula.denominator_scale)
    return Side(above, below)


def shown(steps: int) -> float:
    whole, rest = divmod(steps, STEPS)
    return whole if rest == 0 else steps / STEPS


def parts_of(question: Question, members: Sequence[Contributor]) -> ChangeParts:
    found: dict[str, float | None] = {}
    own = {Piece.rate, Piece.mix} if is_quotient(question) else {Piece.volume}
    own |= {Piece.new, Piece.gone}
    for piece in Piece:
        steps = sum(each.pieces.get(piece, 0) for each in members)
        found[piece.value] = shown(steps) if piece in own else None
    return ChangeParts(**found)


def is_quotient(question: Question) -> bool:
    (asked,), (places,) = question.metrics, question.places
    return places.denominator is not None and asked.agg not in ("sum", "count")


def change_rows(
    rows: Rows, beside: Beside, teller: Teller, members: Sequence[Contributor]
) -> list[ChangeRow]:
    question = rows.question
    nothing = empty_parts(question)
    sides = [
        (each.own or Group(each.keys, nothing, {}), each.other or Group(each.keys, nothing, {}))
        for each in members
    ]
    name = question.metrics[0].name
    found = []
    for each, cells in zip(members, teller.cells(sides), strict=True):
        presence = RowPresence.both
        if each.own is None or each.other is None:
            presence = RowPresence.new if each.other is None else RowPresence.gone
        found.append(
            ChangeRow(
                dimensions={
                    group.id: dimension_value(group, key, rows.reading)
                    for group, key in zip(question.groups, each.keys, strict=True)
                },
                presence=presence,
                contribution=shown(each.contribution),
                parts=parts_of(question, [each]),
                weight=weight(question, each.own, rows.reading.total),
                compare_weight=weight(question, each.other, beside.reading.total),
                value=cells[name],
            )
        )
    return found


def weight(question: Question, group: Group | None, whole: Group | None) -> float | None:
    """A member's share of the denominator of the whole."""
    denominator = question.places[0].denominator
    if denominator is None or not is_quotient(question):
        return None
    below = 0 if whole is None else total(denominator, whole.parts)
    return (0 if group is None else total(denominator, group.parts)) / below if below else None


def rest_of(question: Question, teller: Teller, members: Sequence[Contributor]) -> ChangeRest:
    sides = [
        merged(question, [group for group in groups if group is not None])
        for groups in zip(*((each.own, each.other) for each in members), strict=True)
    ] or [Group((), empty_parts(question), {})] * 2
    return ChangeRest(
        members=len(members),
        contribution=shown(sum(each.contribution for each in members)),
        parts=parts_of(question, members),
        value=teller.one(sides[0], sides[1])[question.metrics[0].name],
    )
