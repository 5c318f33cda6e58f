"""What a summary says nothing about, and why. Pure."""

from collections.abc import Iterator, Sequence

from csapi.reports.comparison import VerdictReason
from csapi.reports.layouts import Precision
from csapi.reports.ordering import Shape
from csapi.reports.papers import figures
from csapi.reports.papers.cells import Answered, Cell, place
from csapi.reports.papers.narrator import Narrator
from csapi.reports.papers.schemas import SummarySentence
from csapi.reports.runs.asking import CUT

Sentences = Iterator[SummarySentence]
# What a verdict says itself.
PLAIN = {VerdictReason.not_significant, VerdictReason.neutral}


def uncovered(told: Narrator, found: Sequence[Answered], whole: Sequence[Cell]) -> Sentences:
    yield told.sentence("always")
    for number, section in enumerate(told.run.sections):
        if section.problem is not None:
            path = place("sections", number, "problem", "code")
            code = told.problem(section.problem.code, path)
            yield told.sentence("failed", section=told.section_at(number), code=code)
    for of in found:
        yield from of_answer(told, of)
        yield from of_splits(told, of)
    for cell in whole:
        yield from of_value(told, cell)


def of_answer(told: Narrator, of: Answered) -> Sentences:
    section, meta, query = told.section(of), of.answer.meta, of.section.query
    path = of.path + place("meta")
    if not meta.exact:
        buckets = told.counted("buckets", meta.pending_buckets, path + place("pending_buckets"))
        subjects = told.counted("subjects", meta.pending_subjects, path + place("pending_subjects"))
        yield told.sentence("not_exact", section=section, buckets=buckets, subjects=subjects)
    if query.shape is not Shape.rows:
        yield told.sentence("drawn", section=section)
    if query.dimensions and of.answer.totals is None:
        yield told.sentence("no_whole", section=section)
    if CUT in meta.warnings:
        yield told.sentence("cut", section=section)


def of_splits(told: Narrator, of: Answered) -> Sentences:
    section, base = of.section, place("sections", of.number)
    if section.unexplained:
        splits = told.counted("splits", section.unexplained, base + place("unexplained"))
        yield told.sentence("not_split", section=told.section(of), splits=splits)
    for number, each in enumerate(section.explanations):
        if each.problem is None:
            continue
        path = base + place("explanations", number)
        yield told.sentence(
            "split_failed",
            metric=told.metric_of(of, each.metric),
            section=told.section(of),
            dimension=told.dimension(each.by, path + place("by")),
            code=told.problem(each.problem.code, path + place("problem", "code")),
        )


def of_value(told: Narrator, cell: Cell) -> Sentences:
    pieces = {"metric": told.metric(cell), "section": told.section(cell.of)}
    value = cell.value
    if value.value is None:
        reason = "no_observations" if value.null_reason is None else value.null_reason.value
        yield told.sentence("no_value", **pieces, reason=told.words.choice("null_reason", reason))
        return
    if cell.is_few:
        pieces_of_few = {"sample": told.sample(cell), "minimum": told.minimum(cell)}
        yield told.sentence("few", **pieces, **pieces_of_few)
    compare = cell.compare
    reason_of = None if compare is None else compare.verdict_reason
    if reason_of is not None and reason_of not in PLAIN:
        reason = told.words.choice("verdict_reason", reason_of.value)
        yield told.sentence("not_tested", **pieces, reason=reason)
    if value.precision is Precision.approximate and value.relative_error is not None:
        error = told.figure(
            figures.percent(value.relative_error),
            cell.path + place("relative_error"),
            value.relative_error,
        )
        yield told.sentence("approximate", **pieces, error=error)
    settled = cell.of.answer.meta.maturity.get(cell.name)
    if settled is not None and settled.immature_n:
        path = cell.of.path + place("meta", "maturity", cell.name, "immature_n")
        units = told.counted("units", settled.immature_n, path)
        yield told.sentence("not_settled", **pieces, units=units)
