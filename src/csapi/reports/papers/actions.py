"""What a summary proposes. No advice is made up: each proposal follows by a stated rule. Pure."""

from collections.abc import Iterator, Sequence

from csapi.metrics.catalog import METRICS
from csapi.metrics.pairs import PAIRS
from csapi.reports.comparison import NullReason, Verdict
from csapi.reports.papers.cells import Answered, Cell, place
from csapi.reports.papers.narrator import Narrator
from csapi.reports.papers.parts import parts_of
from csapi.reports.papers.schemas import SummarySentence

Sentences = Iterator[SummarySentence]


def actions(told: Narrator, found: Sequence[Answered], whole: Sequence[Cell]) -> Sentences:
    proposed = [
        *of_changes(told, whole),
        *of_problems(told),
        *of_inexact(told, found),
        *of_values(told, whole),
        *of_pairs(told, found, whole),
    ]
    yield from proposed or [told.sentence("no_actions")]


def of_changes(told: Narrator, whole: Sequence[Cell]) -> Sentences:
    """What worsened: where most of it comes from; unknown where nothing was split."""
    for cell in whole:
        if cell.verdict is not Verdict.worsened:
            continue
        for each in parts_of(cell):
            if each.is_most:
                yield each.largest(told, "look_at_member")
        section = cell.of.section
        is_split = any(each.metric == cell.name for each in section.explanations)
        if not is_split and not section.unexplained:
            yield told.sentence(
                "split_change", section=told.section(cell.of), metric=told.metric(cell)
            )


def of_problems(told: Narrator) -> Sentences:
    for number, section in enumerate(told.run.sections):
        if section.problem is not None:
            path = place("sections", number, "problem", "code")
            yield told.sentence(
                "ask_otherwise",
                section=told.section_at(number),
                code=told.problem(section.problem.code, path),
            )


def of_inexact(told: Narrator, found: Sequence[Answered]) -> Sentences:
    for of in found:
        if not of.answer.meta.exact:
            yield told.sentence("run_again", section=told.section(of))


def of_values(told: Narrator, whole: Sequence[Cell]) -> Sentences:
    for cell in whole:
        pieces = {"metric": told.metric(cell), "section": told.section(cell.of)}
        if cell.value.null_reason is NullReason.not_sent:
            yield told.sentence("send_history", **pieces)
        if cell.has_few_on_a_side:
            sample, minimum = told.smaller_sample(cell), told.minimum(cell)
            yield told.sentence("wait_for_more", **pieces, sample=sample, minimum=minimum)
        settled = cell.of.answer.meta.maturity.get(cell.name)
        if settled is not None and settled.immature_n:
            path = cell.of.path + place("meta", "maturity", cell.name, "immature_n")
            units = told.counted("units", settled.immature_n, path)
            yield told.sentence("read_again", **pieces, units=units)


def of_pairs(told: Narrator, found: Sequence[Answered], whole: Sequence[Cell]) -> Sentences:
    """Metrics that mislead alone, once each."""
    asked = {each.id for of in found for each in of.section.query.metrics}
    told_of: set[str] = set()
    for cell in whole:
        missing = [name for name in PAIRS.get(cell.asked.id, ()) if name not in asked]
        if not missing or cell.asked.id in told_of:
            continue
        told_of.add(cell.asked.id)
        words = told.labels.words
        yield told.sentence(
            "ask_beside",
            metric=told.metric(cell),
            pair=[told.word(words.metric(METRICS[name]), name) for name in missing],
        )
