import os
from collections.abc import Callable
from pathlib import Path

import click

from bench import (
    alarms,
    derivation,
    forecast,
    ingest,
    lag,
    live,
    neighbours,
    radar,
    reads,
    rollup,
    single,
    timers,
)
from bench.measure import Line, Progress
from bench.report import machine, show, write_json, write_markdown
from bench.servers import started

STAGES: dict[str, Callable[..., list[Line]]] = {
    "ingest": ingest.run,
    "derivation": derivation.run,
    "single": single.run,
    "rollup": rollup.run,
    "reads": reads.run,
    "lag": lag.run,
    "live": live.run,
    "neighbours": neighbours.run,
    "timers": timers.run,
    "radar": radar.run,
    "alarms": alarms.run,
    "forecast": forecast.run,
}
# Take minutes or say nothing about speed: only where they are named.
APART = {"radar", "alarms", "forecast"}


@click.command()
@click.argument("words", nargs=-1, type=click.Choice(list(STAGES)))
@click.option("--quick", "is_quick", is_flag=True, help="Fewer rounds and less data: two minutes.")
@click.option("--only", multiple=True, type=click.Choice(list(STAGES)), help="May be repeated.")
@click.option(
    "--plans",
    "plans_path",
    type=click.Path(path_type=Path),
    help="Write the plans of derivations there.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the lines there.")
@click.option(
    "--markdown",
    "markdown_path",
    type=click.Path(path_type=Path, exists=True),
    help="Replace the figures in that page.",
)
def main(
    words: tuple[str, ...],
    *,
    is_quick: bool,
    only: tuple[str, ...],
    plans_path: Path | None,
    json_path: Path | None,
    markdown_path: Path | None,
) -> None:
    """Measure csapi against limits taken in the same run, on servers of its own: all, or what is
    named."""
    progress, load_before = Progress(), os.getloadavg()[0]
    lines: list[Line] = []
    with started() as servers:
        for name in (*words, *only) or [each for each in STAGES if each not in APART]:
            lines += STAGES[name](servers, progress, is_quick=is_quick)
        if plans_path:
            plans = [f"{name}\n\n{text}\n" for name, text in servers.plans.items()]
            plans_path.write_text("\n".join(plans))
    where = machine(load_before, progress.seconds, is_quick=is_quick)
    show(lines, where)
    if json_path:
        write_json(json_path, lines, where)
    if markdown_path:
        write_markdown(markdown_path, lines, where)


if __name__ == "__main__":
    main(prog_name="python -m bench")
