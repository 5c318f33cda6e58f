"""The tables of docs/worked-examples.md, made from what the API answers."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.data.figures import Source, metric

PAGE = Path(__file__).resolve().parents[2] / "docs" / "worked-examples.md"
FEBRUARY = {"from": "1999-02-01", "to": "1999-03-01"}
PREVIOUS = {"to": "previous_period"}
Table = Callable[[Source], Iterator[str]]
SL20 = metric("service_level", threshold_seconds=20, variant="all_abandons_missed")


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def points(share: float) -> str:
    return f"{100 * share:+.2f}"


def interval(bounds: Sequence[float] | None) -> str:
    return "-" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"


def chance(p_value: float | None) -> str:
    if p_value is None:
        return "-"
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.4f}"


def line(*cells: object) -> str:
    return f"| {' | '.join(str(each) for each in cells)} |"


def get(source: Source, path: str, **params: Any) -> Any:
    whole = {"from": source.start, "to": source.end, "timezone": source.timezone}
    answer = source.http.get(path, params={**whole, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(source: Source, path: str, **body: Any) -> Any:
    time = body.pop("range", {"from": source.start, "to": source.end})
    asked = {"time": {"range": time, "timezone": source.timezone}, **body}
    answer = source.http.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def top_drivers(shop: Source) -> Iterator[str]:
    """The five severest topics."""
    for each in get(shop, "/v1/drivers", top=5)["data"]:
        bad, parts = each["dissatisfied"], each["severity"]["parts"]
        yield line(
            each["severity"]["rank"],
            each["topic"],
            f"{each['contacts']['value']:,}",
            percent(each["share"]),
            f"{percent(bad['value'])} of {bad['n']:,}",
            f"{parts['contacts']['contribution']:.4f}",
            f"{parts['dissatisfaction']['contribution']:.4f}",
            f"{parts['growth']['contribution']:.4f}",
            f"{each['severity']['value']:.4f}",
        )


def supervisors(shop: Source) -> Iterator[str]:
    """The ten supervisors with most ratings, by satisfaction."""
    found = post(
        shop,
        "/v1/query",
        metrics=[
            metric("csat_responses"),
            metric("csat_score"),
            metric("rating_average"),
            {**metric("first_response_time", agg="p50"), "as": "median"},
        ],
        dimensions=["custom.supervisor"],
        top={"n": 10, "by": "csat_responses"},
        include=["confidence"],
        order_by=[{"by": "csat_score", "direction": "desc"}],
    )
    for row in found["data"]:
        csat, median = row["metrics"]["csat_score"], row["metrics"]["median"]
        yield line(
            row["dimensions"]["custom.supervisor"]["label"],
            csat["n"],
            percent(csat["value"]),
            interval(csat["ci95"]),
            f"{row['metrics']['rating_average']['value']:.2f}",
            f"{median['value'] / 60:g} min",
        )


def against_the_rest(shop: Source) -> Iterator[str]:
    """Two of them against all others."""
    for name in ("Nathan Patel", "Emma Park"):
        found = post(
            shop,
            "/v1/query",
            metrics=[metric("csat_score")],
            filters={"dimension": "custom.supervisor", "op": "in", "values": [name]},
            compare={"to": "rest"},
        )
        cell = found["data"][0]["metrics"]["csat_score"]
        rest = cell["compare"]
        yield line(
            name,
            f"{percent(cell['value'])} of {cell['n']}",
            f"{percent(rest['value'])} of {rest['n']:,}",
            points(rest["delta"]),
            interval(rest["delta_ci95"]),
            chance(rest["p_value"]),
            rest["verdict"],
        )


def agents(shop: Source, sort: str, limit: int = 5) -> list[dict[str, Any]]:
    """The first of the table of agents."""
    found = get(
        shop, "/v1/agents/evaluations", columns=["csat_score"], sort=sort, limit=limit
    )  # fmt: skip
    rows: list[dict[str, Any]] = found["data"]
    return rows


def agent_rows(shop: Source, sort: str) -> Iterator[str]:
    for row in agents(shop, sort):
        csat = row["metrics"]["csat_score"]
        yield line(
            row["agent"]["external_id"],
            csat["n"],
            percent(csat["value"]),
            interval(csat["ci95"]),
            percent(csat["rank_value"]),
        )


def single_agents(shop: Source) -> Iterator[str]:
    """Whoever ranks last by satisfaction, and last of those with 20 ratings, against peers."""
    rows = agents(shop, "csat_score", 100)
    enough = [each for each in rows if each["metrics"]["csat_score"]["n"] >= 20]
    for row in (rows[0], enough[0]):
        found = get(shop, f"/v1/agents/{row['agent']['id']}/evaluation")
        csat = next(each for each in found["metrics"] if each["id"] == "csat_score")
        peers, usual = csat["peers"], csat["peers_median"]
        yield line(
            found["agent"]["external_id"],
            f"{percent(csat['value']['value'])} of {csat['value']['n']}",
            f"{percent(peers['value'])} of {peers['n']:,}",
            f"{percent(usual['value'])} of {usual['agents']:,}",
            interval(peers["delta_ci95"]),
            chance(peers["p_value"]),
            chance(peers["p_adjusted"]),
            f"{peers['verdict']} ({peers['verdict_reason']})",
        )


def service_levels(bank: Source) -> Iterator[str]:
    """By type of call, February against January."""
    found = post(
        bank, "/v1/query", range=FEBRUARY, metrics=[SL20], dimensions=["type"], compare=PREVIOUS,
        include=["totals", "confidence"],
    )  # fmt: skip
    rows = [(row["dimensions"]["type"]["key"], row["metrics"]) for row in found["data"]]
    for name, metrics in [*rows, ("all", found["totals"])]:
        cell = metrics["service_level"]
        other = cell["compare"]
        yield line(
            name,
            f"{percent(other['value'])} of {other['n']:,}",
            f"{percent(cell['value'])} of {cell['n']:,}",
            interval(cell["ci95"]),
            "-" if other["delta"] is None else points(other["delta"]),
            chance(other["p_adjusted"]),
            other["verdict"] or other["verdict_reason"],
        )


def change_by(bank: Source, dimension: str) -> Iterator[str]:
    """What the change of February comes from, by the members of a dimension."""
    found = post(
        bank, "/v1/query/explain-change", range=FEBRUARY, metrics=[SL20], compare=PREVIOUS,
        by=[dimension],
    )  # fmt: skip
    for row in found["data"]:
        parts = row["parts"]
        yield line(
            row["dimensions"][dimension]["key"],
            f"{percent(row['compare_weight'])} to {percent(row['weight'])}",
            f"{percent(row['value']['compare']['value'])} to {percent(row['value']['value'])}",
            points(parts["mix"] or 0),
            points(parts["rate"] or 0),
            points(row["contribution"]),
        )
    whole = found["parts"]
    yield line("all", "", "", points(whole["mix"]), points(whole["rate"]), points(found["change"]))


def missing(lines: Iterator[str]) -> str:
    """The lines that the page does not have, in their order."""
    page = PAGE.read_text().splitlines()
    return "\n".join(each for each in lines if each not in page)
