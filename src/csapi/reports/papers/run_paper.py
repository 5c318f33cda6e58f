"""A run as a paper: its summary, and every answer as tables and charts. Pure."""

from collections.abc import Iterator

from csapi.kit.language import Language
from csapi.reports.papers import blocks
from csapi.reports.papers.answer_blocks import answer_blocks
from csapi.reports.papers.cells import Answered, Member, answered
from csapi.reports.papers.labels import Labels
from csapi.reports.papers.pieces import Setter, compare_of, plain_cells
from csapi.reports.papers.schemas import ReportSummary
from csapi.reports.papers.summary import summary
from csapi.reports.runs.schemas import Explanation, ReportRun

PARTS = ("challenges", "overview", "agents", "findings", "actions", "not_covered")


def run_paper(run: ReportRun, language: Language, tenant: str) -> blocks.Paper:
    setter, labels = Setter(language), Labels(run.language, language)
    found: list[blocks.Block] = [*summary_blocks(setter, summary(run, language))]
    answers = {of.number: of for of in answered(run)}
    for number, section in enumerate(run.sections):
        title = setter.name(section.title or section.name)
        found.append(blocks.Heading(level=1, text=title))
        if section.problem is not None:
            code = setter.figure(section.problem.code)
            found.append(blocks.Paragraph(text=f"{setter.text('no_answer')}: {code}"))
        if number in answers:
            found += answer_blocks(setter, labels, answers[number])
            found += explanations(setter, labels, answers[number])
            found += notes(setter, answers[number])
    name = setter.name(run.name)
    return blocks.Paper(
        lang=language.value.partition("-")[0],
        direction="rtl" if setter.is_right_to_left else "ltr",
        title=name,
        subtitle="" if run.description is None else setter.name(run.description),
        running=f"{setter.name(tenant)} · {name}",
        page=[setter.text(each) for each in ("page", "of", "of_pages")],
        facts=facts(setter, run, tenant),
        blocks=list(blocks.within(found, setter.text("more_rows"))),
    )


def facts(setter: Setter, run: ReportRun, tenant: str) -> list[blocks.Fact]:
    pairs = (
        ("tenant", setter.name(tenant)),
        ("as_of", setter.instant(run.as_of, run.timezone)),
        ("made_at", setter.instant(run.created_at, run.timezone)),
        ("zone", setter.name(run.timezone)),
        ("run", setter.figure(run.id)),
    )
    return [blocks.Fact(label=setter.text(term), text=text) for term, text in pairs]


def summary_blocks(setter: Setter, told: ReportSummary) -> Iterator[blocks.Block]:
    yield blocks.Heading(level=1, text=setter.text("summary"))
    for name in PARTS:
        part = getattr(told, name)
        yield blocks.Heading(level=2, text=part.title)
        yield blocks.Bullets(items=[blocks.breakable(each.text) for each in part.sentences])


def explanations(setter: Setter, labels: Labels, of: Answered) -> Iterator[blocks.Block]:
    for each in of.section.explanations:
        if each.answer is not None and each.answer.change is not None:
            yield from explanation(setter, labels, of, each)


def explanation(
    setter: Setter, labels: Labels, of: Answered, split: Explanation
) -> Iterator[blocks.Block]:
    answer = split.answer
    if answer is None:
        return
    column = of.answer.meta.columns[split.metric]
    asked = of.asked(split.metric)
    title = setter.words.term(
        "explanation",
        metric=setter.name(labels.metric(asked, column)),
        dimension=setter.name(labels.dimension(split.by)),
    )
    rows = []
    for row in answer.data:
        member = Member(split.by, row.dimensions[split.by], "")
        compare = compare_of(row.value)
        before = None if compare is None else compare.value
        rows.append(
            plain_cells(
                setter.name(labels.member(split.by, member.value)),
                setter.difference(row.contribution, column),
                setter.number(row.value.value, column),
                setter.number(before, column),
            )
        )
    if answer.other is not None and answer.other.members:
        other = answer.other
        compare = compare_of(other.value)
        before = None if compare is None else compare.value
        rows.append(
            plain_cells(
                f"{setter.text('other')} ({setter.count(other.members)})",
                setter.difference(other.contribution, column),
                setter.number(other.value.value, column),
                setter.number(before, column),
            )
        )
    rows.append(plain_cells("", setter.difference(answer.change, column), "", ""))
    rows[-1][0] = blocks.Cell(text=setter.words.choice("row", "totals"))
    yield blocks.Heading(level=3, text=title)
    yield blocks.Table(
        columns=[
            blocks.Column(label=setter.name(labels.dimension(split.by)), is_number=False, weight=2),
            *(
                blocks.Column(label=setter.text(term), is_number=True, weight=1)
                for term in ("contribution", "value", "before")
            ),
        ],
        rows=rows,
        strong=1,
    )


def notes(setter: Setter, of: Answered) -> Iterator[blocks.Block]:
    """What to know of the numbers: how exact, by which definitions, seen over which range."""
    meta = of.answer.meta
    exact = f"{setter.text('exact')}: {setter.text('yes' if meta.exact else 'no')}"
    if not meta.exact:
        pending = setter.count(meta.pending_buckets + meta.pending_subjects)
        exact += f" ({setter.text('pending')}: {pending})"
    versions = ", ".join(
        setter.figure(f"{name} {version}") for name, version in meta.definitions.items()
    )
    lines = [exact, f"{setter.text('definitions')}: {versions}"]
    # Notes are in English, as warnings of answers are.
    if meta.warnings:
        lines.append(f"{setter.text('warnings')}:")
    for line in [*lines, *(setter.name(each) for each in meta.warnings)]:
        yield blocks.Paragraph(text=line, muted=True)
