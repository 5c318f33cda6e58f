"""An agent's evaluation as a paper. Pure."""

from collections.abc import Iterator
from datetime import datetime

from csapi.kit.language import Language
from csapi.reports.comparison import Comparison
from csapi.reports.evaluations.schemas import (
    AgentEvaluation,
    EvaluatedMetric,
    Finding,
    FindingKind,
    MedianOfAgents,
)
from csapi.reports.papers import blocks
from csapi.reports.papers.pieces import Setter, marked, plain_cells
from csapi.reports.schemas import ColumnInfo

# So many characters of what somebody wrote; the JSON has all of it.
CHARACTERS_SHOWN = 2_000
Blocks = Iterator[blocks.Block]


def evaluation_paper(found: AgentEvaluation, language: Language, tenant: str) -> blocks.Paper:
    setter = Setter(language)
    name = setter.name(found.agent.name or found.agent.external_id)
    title = setter.text("evaluation")
    return blocks.Paper(
        lang=language.value.partition("-")[0],
        direction="rtl" if setter.is_right_to_left else "ltr",
        title=name,
        subtitle=title,
        running=f"{setter.name(tenant)} · {title} · {name}",
        page=[setter.text(each) for each in ("page", "of", "of_pages")],
        facts=list(facts(setter, found, tenant)),
        blocks=[
            *finding_blocks(setter, found),
            *metric_blocks(setter, found),
            *rating_blocks(setter, found),
            *comment_blocks(setter, found),
            *note_blocks(setter, found),
        ],
    )


def facts(setter: Setter, found: AgentEvaluation, tenant: str) -> Iterator[blocks.Fact]:
    def fact(term: str, text: str) -> blocks.Fact:
        return blocks.Fact(label=setter.text(term), text=text)

    time, sides = found.meta.query["time"], found.sides
    zone = time["timezone"]
    start, end = (datetime.fromisoformat(time["range"][name]) for name in ("from", "to"))
    yield fact("tenant", setter.name(tenant))
    yield fact("agent", setter.name(f"{found.agent.source} · {found.agent.external_id}"))
    yield fact("range", setter.range(start, end, zone))
    yield fact("past", setter.range(sides.past.start, sides.past.end, zone))
    yield fact("zone", setter.name(zone))
    yield fact("as_of", setter.instant(found.as_of, zone))
    for term, side, members in (
        ("team", sides.team, [] if sides.team is None else sides.team.teams),
        ("peers", sides.peers, [] if sides.peers is None else sides.peers.channels),
    ):
        if side is not None:
            names = ", ".join(setter.name(each.label) for each in members)
            yield fact(term, f"{names} ({setter.count(side.agents)})")
    yield fact("exact", setter.text("yes" if found.meta.exact else "no"))


def column_of(found: AgentEvaluation, metric: EvaluatedMetric) -> ColumnInfo:
    column = found.meta.columns.get(metric.id)
    return ColumnInfo(
        unit=metric.unit,
        direction=metric.direction,
        label=metric.label,
        currency=None if column is None else column.currency,
    )


def finding_blocks(setter: Setter, found: AgentEvaluation) -> Blocks:
    yield blocks.Heading(level=1, text=setter.text("findings"))
    if not found.findings:
        yield blocks.Paragraph(text=setter.words.catalog.sentences["no_findings"])
        return
    metrics = {each.id: each for each in found.metrics}
    columns = [
        blocks.Column(label=setter.text("findings"), is_number=False, weight=2),
        blocks.Column(label=setter.text("metric"), is_number=False, weight=2),
        *(
            blocks.Column(label=setter.text(term), is_number=True)
            for term in ("value", "n", "before", "n", "p")
        ),
    ]
    rows = []
    for each in found.findings:
        metric = metrics.get(each.metric)
        column = None if metric is None else column_of(found, metric)
        rows.append(finding_row(setter, each, column))
    yield blocks.Table(columns=columns, rows=rows)


def finding_row(setter: Setter, each: Finding, column: ColumnInfo | None) -> list[blocks.Cell]:
    label = each.metric if column is None else column.label
    if each.criterion is not None:
        label = f"{label} ({each.criterion})"
    kind = blocks.Cell(
        text=setter.words.choice("finding", each.kind.value),
        mark="better" if each.kind is FindingKind.excels else "worse",
    )
    if column is None:
        # A criterion of reviews has the unit of its score, which is no column of its own.
        return [kind, *plain_cells(setter.name(label), "", "", "", "", "")]
    return [
        kind,
        *plain_cells(
            setter.name(label),
            setter.number(each.value, column),
            setter.count(each.n),
            setter.number(each.other_value, column),
            setter.count(each.other_n),
            setter.probability(each.p_adjusted),
        ),
    ]


def metric_blocks(setter: Setter, found: AgentEvaluation) -> Blocks:
    yield blocks.Heading(level=1, text=setter.text("overview"))
    terms = ("value", "interval", "n", "past", "change", "verdict")
    columns = [
        blocks.Column(label=setter.text("metric"), is_number=False, weight=1),
        *(blocks.Column(label=setter.text(term), is_number=term != "verdict") for term in terms),
    ]
    rows = []
    for each in found.metrics:
        column = column_of(found, each)
        rows.append(
            [
                *plain_cells(
                    setter.name(each.label),
                    setter.number(each.value.value, column),
                    setter.interval(each.value, column),
                    setter.count(each.value.n),
                    setter.number(each.past.value, column),
                ),
                marked(setter.difference(each.past.delta, column), each.past),
                setter.verdict(each.past),
            ]
        )
    yield blocks.Table(columns=columns, rows=rows)
    yield from other_blocks(setter, found)


def other_blocks(setter: Setter, found: AgentEvaluation) -> Blocks:
    """The same against others: a side, the difference from it, and the median of those on it."""
    for term, side, median in (
        ("team", "team", "team_median"),
        ("peers", "peers", "peers_median"),
    ):
        told = [
            each
            for each in found.metrics
            if is_told(each, getattr(each, side), getattr(each, median))
        ]
        if not told:
            continue
        yield blocks.Heading(level=2, text=setter.text(term))
        yield blocks.Table(
            columns=[
                blocks.Column(label=setter.text("metric"), is_number=False, weight=1),
                *(
                    blocks.Column(label=setter.text(each), is_number=each != "verdict")
                    for each in ("value", "n", term, "change", "p", "verdict", "median")
                ),
            ],
            rows=[
                other_row(setter, found, each, getattr(each, side), getattr(each, median))
                for each in told
            ],
        )


def is_told(
    metric: EvaluatedMetric, side: Comparison | None, median: MedianOfAgents | None
) -> bool:
    """Whether there is anything to hold against others."""
    has_side = side is not None and not (metric.value.value is None and side.value is None)
    return has_side or median is not None


def other_row(
    setter: Setter,
    found: AgentEvaluation,
    metric: EvaluatedMetric,
    side: Comparison | None,
    median: MedianOfAgents | None,
) -> list[blocks.Cell]:
    column = column_of(found, metric)
    usual = "" if median is None else setter.number(median.value, column)
    if median is not None:
        usual += f" ({setter.count(median.agents)})"
    return [
        *plain_cells(
            setter.name(metric.label),
            setter.number(metric.value.value, column),
            setter.count(metric.value.n),
            setter.number(None if side is None else side.value, column),
        ),
        marked(setter.difference(None if side is None else side.delta, column), side),
        *plain_cells(setter.probability(None if side is None else side.p_adjusted)),
        setter.verdict(side),
        *plain_cells(usual),
    ]


def rating_blocks(setter: Setter, found: AgentEvaluation) -> Blocks:
    if not found.ratings:
        return
    most = max(each.count for each in found.ratings) or 1
    yield blocks.Bars(
        title=setter.text("ratings"),
        bars=[
            blocks.Bar(
                label=setter.figure(each.rating),
                text=setter.count(each.count),
                length=each.count / most,
                low=None,
                high=None,
                negative=False,
            )
            for each in found.ratings
        ],
    )


def comment_blocks(setter: Setter, found: AgentEvaluation) -> Blocks:
    zone = found.meta.query["time"]["timezone"]
    if found.comments:
        yield blocks.Heading(level=1, text=setter.text("comments"))
        for each in found.comments:
            when = setter.instant(each.responded_at, zone)
            rating = setter.figure(f"{each.rating:g}")
            head = f"{when} · {setter.text('rating')} {rating}"
            yield blocks.Paragraph(text=head, muted=True)
            yield blocks.Paragraph(text=setter.name(cut(each.comment)))
    if found.self_evaluations:
        yield blocks.Heading(level=1, text=setter.text("self_evaluations"))
        for written in found.self_evaluations:
            head = setter.figure(f"{written.from_} \u2013 {written.to}")
            yield blocks.Paragraph(text=head, muted=True)
            yield blocks.Paragraph(text=setter.name(cut(written.text)))
            if written.reply is not None:
                yield blocks.Paragraph(text=setter.name(cut(written.reply.text)), muted=True)


def cut(text: str) -> str:
    return text if len(text) <= CHARACTERS_SHOWN else f"{text[:CHARACTERS_SHOWN]}\u2026"


def note_blocks(setter: Setter, found: AgentEvaluation) -> Blocks:
    versions = ", ".join(
        setter.figure(f"{name} {version}") for name, version in found.meta.definitions.items()
    )
    yield blocks.Paragraph(text=f"{setter.text('definitions')}: {versions}", muted=True)
    for warning in found.meta.warnings:
        yield blocks.Paragraph(text=setter.name(warning), muted=True)
