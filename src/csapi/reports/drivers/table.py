"""Topics by severity, or by what a machine might take over."""

from collections.abc import Mapping

from csapi.reports.drivers.articles import read_articles
from csapi.reports.drivers.params import DriverParams, DriversParams, DriverView
from csapi.reports.drivers.reading import AMOUNTS, ONE_TOUCH, read_drivers
from csapi.reports.drivers.schemas import Automation, DriverList
from csapi.reports.drivers.scoring import Scored
from csapi.reports.drivers.severity import WEIGHTS
from csapi.reports.drivers.trending import read_months, read_weeks, trends_of
from csapi.reports.service import Desk, Snapshot, slowness_told, snapshot_of
from csapi.reports.weights import read_weights
from csapi.reports.work_params import told_by_parameter

SECONDS_PER_HOUR = 3600


def weights_asked(wanted: DriverParams) -> Mapping[str, float]:
    """The weights of a request. Raises Problem."""
    return read_weights(wanted.weight, tuple(WEIGHTS))


async def in_force(snapshot: Snapshot, asked: Mapping[str, float]) -> Mapping[str, float]:
    """Those asked for, else those that the tenant has settled, else ours."""
    return asked or (await snapshot.standing()).weights.drivers or WEIGHTS


async def drivers(desk: Desk, wanted: DriversParams) -> DriverList:
    """The top drivers, from one snapshot. Raises Problem for what cannot be asked."""
    asked = weights_asked(wanted)
    is_automation = wanted.view is DriverView.automation_candidates
    metrics = [*AMOUNTS, *([ONE_TOUCH] if is_automation else [])]
    articles: Mapping[str, int] = {}
    async with snapshot_of(desk) as snapshot:
        with slowness_told(), told_by_parameter("/from"):
            found = await read_drivers(snapshot, wanted, metrics)
            scored = Scored(found, await in_force(snapshot, asked))
            chosen = scored.ranked
            if is_automation:
                articles = await read_articles(snapshot)
                chosen = sorted(chosen, key=lambda key: automation_rank(scored, key))
            chosen = chosen[: wanted.top]
            weeks = await read_weeks(snapshot, wanted, found, chosen)
            months = await read_months(snapshot, wanted, found, chosen)
    trends = trends_of(weeks, months, chosen)
    data = [scored.driver(key, trends[key]) for key in chosen]
    for each in data if is_automation else ():
        each.automation = automation_of(scored, each.topic, articles)
    return DriverList(
        data=data,
        untagged=scored.numbers(scored.cells(None)),
        totals=scored.numbers(found.totals),
        **scored.about(),
    )


def automation_of(scored: Scored, key: str, articles: Mapping[str, int]) -> Automation:
    cells = scored.cells(key)
    handling, share = scored.handling(cells), cells["one_touch"].value
    return Automation(
        one_touch=cells["one_touch"],
        articles=articles.get(key, 0),
        hours_saved=saved(handling.seconds, share, SECONDS_PER_HOUR),
        cost_saved=saved(handling.cost, share),
    )


def saved(amount: float | None, share: float | None, scale: float = 1) -> float | None:
    return None if amount is None or share is None else amount * share / scale


def automation_rank(scored: Scored, key: str) -> tuple[float, float, int]:
    """Most hours first, then most contacts that one reply solves, then the severest."""
    found, cells = automation_of(scored, key, {}), scored.cells(key)
    contacts = (cells["contacts"].value or 0) * (found.one_touch.value or 0)
    return -(found.hours_saved or 0), -contacts, scored.places[key]
