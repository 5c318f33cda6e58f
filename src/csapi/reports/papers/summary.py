"""A run in words: every sentence follows by a rule from values that are stored. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from csapi.kit.language import Language
from csapi.reports.comparison import Verdict
from csapi.reports.ordering import Shape
from csapi.reports.papers.actions import actions
from csapi.reports.papers.cells import Answered, Cell, answered, place, row_cells, wholes
from csapi.reports.papers.narrator import Narrator
from csapi.reports.papers.parts import parts_of
from csapi.reports.papers.schemas import (
    MOST_SENTENCES,
    ReportSummary,
    SummaryPart,
    SummarySentence,
)
from csapi.reports.papers.uncovered import uncovered
from csapi.reports.runs.schemas import ReportRun

Sentences = Iterator[SummarySentence]


def summary(run: ReportRun, language: Language) -> ReportSummary:
    told = Narrator(run, language)
    found = list(answered(run))
    whole = distinct(cell for of in found for cell in wholes(of))
    return ReportSummary(
        report_id=run.report_id,
        run_id=run.id,
        language=language,
        as_of=run.as_of,
        created_at=run.created_at,
        challenges=part(told, "challenges", challenges(told, found, whole)),
        overview=part(told, "overview", overview(told, whole)),
        agents=part(told, "agents", agents(told, found)),
        findings=part(told, "findings", findings(told, found, whole)),
        actions=part(told, "actions", actions(told, found, whole)),
        not_covered=part(told, "not_covered", uncovered(told, found, whole)),
    )


def part(told: Narrator, title: str, sentences: Iterable[SummarySentence]) -> SummaryPart:
    said = list(sentences)
    if len(said) > MOST_SENTENCES:
        said = [*said[: MOST_SENTENCES - 1], told.sentence("more")]
    return SummaryPart(title=told.words.term(title), sentences=said)


def distinct(cells: Iterable[Cell]) -> list[Cell]:
    """Each value once, the first time: questions that differ in their rows alone have the same
    wholes."""
    found: dict[bytes, Cell] = {}
    for cell in cells:
        query = cell.of.answer.meta.query
        same = [query.get(name) for name in ("time", "filters", "compare")]
        asked = msgspec.structs.replace(cell.asked, as_=None)
        found.setdefault(msgspec.json.encode([asked, *same]), cell)
    return list(found.values())


def judged(cells: Iterable[Cell], verdict: Verdict) -> list[Cell]:
    """Those with the verdict, the least likely to be chance first."""
    return sorted((each for each in cells if each.verdict is verdict), key=strength)


def strength(cell: Cell) -> tuple[float, float]:
    relative = None if cell.compare is None else cell.compare.relative_change
    return cell.p_value, -abs(relative or 0.0)


def challenges(told: Narrator, found: Sequence[Answered], whole: Sequence[Cell]) -> Sentences:
    if not any(of.section.query.compare for of in found):
        yield told.sentence("nothing_compared")
        return
    worse = judged(whole, Verdict.worsened)
    for cell in worse:
        yield told.sentence("worsened", **told.tested(cell))
        for each in parts_of(cell):
            yield each.largest(told)
    rows = judged(rows_of_things(found), Verdict.worsened)
    for cell in rows:
        yield told.row("row_worsened", cell)
    if not worse and not rows:
        yield told.sentence("no_challenges")


def rows_of_things(found: Sequence[Answered]) -> list[Cell]:
    """The values of rows that are about nobody."""
    return [cell for of in found if not of.is_by_people for cell in row_cells(of)]


def overview(told: Narrator, whole: Sequence[Cell]) -> Sentences:
    known = [cell for cell in whole if cell.value.value is not None]
    for _, group in groupby(known, key=lambda cell: cell.of.number):
        cells = list(group)
        yield period(told, cells[0].of)
        for cell in cells:
            yield value(told, cell)
    if not known:
        yield told.sentence("no_overview")


def period(told: Narrator, of: Answered) -> SummarySentence:
    time, path = of.answer.meta.query["time"], of.path + place("meta", "query", "time")
    zone = time["timezone"]
    start, end = (
        told.instant(datetime.fromisoformat(time["range"][name]), zone, path + place("range", name))
        for name in ("from", "to")
    )
    return told.sentence(
        "period",
        section=told.section(of),
        start=start,
        end=end,
        zone=told.name(zone, zone, path + place("timezone")),
    )


def value(told: Narrator, cell: Cell) -> SummarySentence:
    rule = "count" if cell.is_count else "value"
    pieces = {"metric": told.metric(cell), "value": told.value(cell)}
    if not cell.is_count:
        pieces["sample"] = told.sample(cell)
    if cell.compare is None or cell.compare.delta is None:
        return told.sentence(rule, **pieces)
    verdict = cell.compare.verdict
    known = "none" if verdict is None else verdict.value
    return told.sentence(
        f"{rule}_compared",
        **pieces,
        **told.compared(cell),
        verdict=told.words.choice("verdict", known),
    )


def agents(told: Narrator, found: Sequence[Answered]) -> Sentences:
    by_people = [of for of in found if of.is_by_people and of.section.query.shape is Shape.rows]
    for of in by_people:
        path = place("sections", of.number, "query", "dimensions")
        yield told.sentence(
            "agents",
            section=told.section(of),
            rows=told.counted("rows", len(of.answer.data), of.path + place("data"), is_length=True),
            dimension=[
                told.dimension(name, path + place(number))
                for number, name in enumerate(of.section.query.dimensions)
            ],
        )
        if of.section.query.compare is None:
            yield from ranges(told, of)
            continue
        standing = list(standing_out(told, of))
        yield from standing
        if not standing:
            yield told.sentence(
                "no_agent_stands_out",
                section=told.section(of),
                against=told.words.choice("against", of.against),
            )
    if not by_people:
        yield told.sentence("no_agents")


def ranges(told: Narrator, of: Answered) -> Sentences:
    """Of values that are large enough samples, the lowest and the highest."""
    cells = [each for each in row_cells(of) if each.value.value is not None and not each.is_few]
    for asked in of.section.query.metrics:
        name = asked.as_ or asked.id
        values = [each for each in cells if each.name == name and each.minimum_n is not None]
        low = min(values, key=lambda each: each.value.value or 0, default=None)
        high = max(values, key=lambda each: each.value.value or 0, default=None)
        if low is None or high is None or low.value.value == high.value.value:
            continue
        yield told.sentence(
            "agents_range",
            metric=told.metric(low),
            section=told.section(of),
            low=told.value(low),
            low_member=told.members(low),
            low_sample=told.sample(low),
            high=told.value(high),
            high_member=told.members(high),
            high_sample=told.sample(high),
        )


def standing_out(told: Narrator, of: Answered) -> Sentences:
    cells = list(row_cells(of))
    for rule, verdict in (("row_worsened", Verdict.worsened), ("row_improved", Verdict.improved)):
        for cell in judged(cells, verdict):
            yield told.row(rule, cell)


def findings(told: Narrator, found: Sequence[Answered], whole: Sequence[Cell]) -> Sentences:
    is_empty = True
    for cell in judged(whole, Verdict.improved):
        is_empty = False
        yield told.sentence("improved", **told.tested(cell))
        for each in parts_of(cell):
            yield each.largest(told)
    for cell in whole:
        for each in parts_of(cell):
            if each.has_mix:
                is_empty = False
                yield each.rate_and_mix(told)
    for cell in judged(rows_of_things(found), Verdict.improved):
        is_empty = False
        yield told.row("row_improved", cell)
    if is_empty:
        yield told.sentence("no_findings")
