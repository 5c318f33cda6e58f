"""All agents in a table: fixed questions to the engine by agent, beside the directory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from csapi.kit.turns import aside
from csapi.metrics.metric import Direction
from csapi.metrics.question import Question
from csapi.reports.apart import read_apart
from csapi.reports.evaluations.composite import Scale, composite, scales_of
from csapi.reports.evaluations.directory import Agent, read_directory, read_presence
from csapi.reports.evaluations.params import EvaluationsParams
from csapi.reports.evaluations.ranked import Column, column_of
from csapi.reports.evaluations.schemas import AgentRow, EvaluationPage
from csapi.reports.fillings import Group
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.pages import fingerprint_of, page_of
from csapi.reports.ranking import Rows
from csapi.reports.read import Reading
from csapi.reports.refusals import refuse
from csapi.reports.schemas import MetricRequest, QueryPage
from csapi.reports.service import Desk, resolved, slowness_told, snapshot_of
from csapi.reports.telling import Teller
from csapi.reports.weights import read_weights
from csapi.reports.work_params import query_of, told_by_parameter

COLUMNS = (
    "conversations_handled",
    "agent_first_response_time",
    "response_time",
    "messages_out",
    "ticket_resolutions",
    "full_resolution_time",
    "csat_score",
    "first_contact_resolution_rate",
    "average_handle_time_per_leg",
    "contacts_handled_per_hour",
    "occupancy",
    "shift_presence_rate",
    "tasks_completed",
    "quality_score",
)
BY = ("agent", "name", "composite")
PARTS = ("value", "n")
NEUTRAL = Direction.neutral
Row = tuple[Agent, Group]
Rank = Callable[[Row], float | None]


@dataclass(frozen=True, slots=True)
class Table:
    """Every agent with a group, and the columns that tell about them."""

    rows: Sequence[Row]
    columns: Mapping[str, Column]
    scales: Mapping[str, Scale]

    def ranks(self, row: Row) -> dict[str, float | None]:
        """What an agent ranks by, in each column that has a weight."""
        return {name: self.columns[name].ranked_by(row[1]) for name in self.scales}


async def evaluations(desk: Desk, wanted: EvaluationsParams) -> EvaluationPage:
    """One page of agents, from one snapshot. Raises Problem for what cannot be asked."""
    names = wanted.columns or COLUMNS
    metrics = [MetricRequest(id=name) for name in names]
    query = query_of(wanted, metrics, ["agent"], only={"team": wanted.team})
    async with snapshot_of(desk) as snapshot:
        connection, tenant_id = snapshot.connection, desk.tenant_id
        with slowness_told(), told_by_parameter("/columns"):
            asked = await resolved(snapshot, query)
            question = asked.question
            able = [name for name, way in directions(question).items() if way is not NEUTRAL]
            weights = read_weights(wanted.weight, able) or {
                name: weight
                for name, weight in (await snapshot.standing()).weights.evaluations.items()
                if name in able
            }
            check_sort(wanted.sort, question, has_weights=bool(weights))
            reading = await read_apart(snapshot, question)
            working = [each.keys[0] for each in reading.groups if each.keys[0] is not None]
            agents = await read_directory(connection, tenant_id, question, working)
            # Others must not wait while all are ranked.
            table = await aside(table_of, question, reading, agents, weights)
            page, cursor = await aside(page_in_order, table, wanted)
            presence = await read_presence(snapshot, [each for each, _ in page])
        rows = Rows(question, reading, reading.groups)
        meta = meta_of(query, rows, None, asked.warnings, desk.now)
        await add_currency(connection, tenant_id, question, meta)
    teller = Teller(question, None, with_intervals=True)
    values = teller.cells([(group, None) for _, group in page])
    return EvaluationPage(
        data=[
            AgentRow(
                agent=row[0].told,
                presence=presence[row[0].id],
                metrics={
                    name: each.ranked(row[1], cells[name]) for name, each in table.columns.items()
                },
                composite=composite(table.scales, table.ranks(row)) if weights else UNSET,
            )
            for row, cells in zip(page, values, strict=True)
        ],
        totals={} if reading.total is None else teller.one(reading.total, None),
        priors={name: each.told for name, each in table.columns.items()},
        as_of=desk.now,
        page=QueryPage(next_cursor=cursor),
        meta=meta,
    )


def directions(question: Question) -> dict[str, Direction]:
    return {asked.name: asked.metric.direction for asked in question.metrics}


def check_sort(sort: str, question: Question, *, has_weights: bool) -> None:
    """Raises Problem."""
    names = [asked.name for asked in question.metrics]
    able = [*BY, *names, *(f"{name}.{part}" for name in names for part in PARTS)]
    name = sort.removeprefix("-")
    if name not in able:
        refuse("/sort", "invalid_value", "There is no such column.", able)
    if name == "composite" and not has_weights:
        refuse("/weight", "required", "A composite needs weights.")


def table_of(
    question: Question, reading: Reading, agents: Sequence[Agent], weights: Mapping[str, float]
) -> Table:
    """Every agent with what is counted, be it nothing."""
    found = {group.keys: group for group in reading.groups}
    rows = []
    for agent in agents:
        keys = (agent.surrogate,)
        rows.append((agent, found.get(keys) or reading.nothing(question, keys)))
    groups = [group for _, group in rows]
    columns = {
        asked.name: column_of(asked, places, groups)
        for asked, places in zip(question.metrics, question.places, strict=True)
    }
    ranked = {name: [columns[name].ranked_by(group) for group in groups] for name in weights}
    return Table(rows, columns, scales_of(weights, directions(question), ranked))


def page_in_order(table: Table, wanted: EvaluationsParams) -> tuple[list[Row], str | None]:
    """The page that is asked for, and the cursor of the next one."""
    rows = in_order(table, wanted.sort)
    groups = [group for _, group in rows]
    page, cursor = page_of(groups, wanted.limit, wanted.cursor, fingerprint_of(wanted))
    known = {group.keys: row for row, group in zip(rows, groups, strict=True)}
    return [known[group.keys] for group in page], cursor


def in_order(table: Table, sort: str) -> list[Row]:
    """All rows in the order that is asked for; where that is undecided by source and id, as the
    directory has them. Null is last either way."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name in ("agent", "name"):
        by_name = name == "name"
        return sorted(
            table.rows, key=lambda row: label_of(row[0], by_name=by_name), reverse=is_down
        )
    rank = rank_by(table, name)
    ranks = [(rank(row), row) for row in table.rows]
    known = [(value, row) for value, row in ranks if value is not None]
    # Of equals the order stays in which they came, whichever way they are sorted.
    known.sort(key=lambda each: -each[0] if is_down else each[0])
    return [*(row for _, row in known), *(row for value, row in ranks if value is None)]


def label_of(agent: Agent, *, by_name: bool) -> tuple[str, str, str]:
    label = (agent.name or agent.external_id).casefold() if by_name else ""
    return label, agent.source, agent.external_id


def rank_by(table: Table, name: str) -> Rank:
    if name == "composite":
        return lambda row: composite(table.scales, table.ranks(row)).value
    metric, _, part = name.rpartition(".")
    if metric in table.columns and part in PARTS:
        column = table.columns[metric]
        return lambda row: getattr(column.value(row[1]), part)
    return lambda row: table.columns[name].ranked_by(row[1])
