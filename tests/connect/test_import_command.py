"""The command itself: options, summaries, files, exit codes."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from tests.connect.api_double import ApiDouble, reject, status
from tests.connect.mapped import HEAD

from csapi.cli.import_ import import_
from csapi.connect.transfer.progress import Bar, Lines

CSV = "id,agent,n\na,ann,1\nb,bob,x\nc,cid,3\n"
MAPPING = (
    '[[filter]]\nname = "c calls"\ndrop = { column = "id", equals = "c" }\n'
    + HEAD
    + 'agent = "agent"\nwait_seconds = { column = "n", type = "int" }\n'
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CSAPI_KEY", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in.csv").write_text(CSV)
    (tmp_path / "map.toml").write_text(MAPPING)
    return tmp_path


def run(*args: str, file: str = "data/in.csv") -> Result:
    return CliRunner().invoke(import_, [file, "--as", "calls", "--map", "map.toml", *args])


def test_a_summary_for_programs(here: Path, api: ApiDouble) -> None:
    result = run("--url", api.url, "--key", "k", "--json")
    assert result.exit_code == 2
    summary = json.loads(result.stdout)
    assert summary.pop("seconds") >= 0
    assert summary == {
        "rows_read": 3,
        "rows_skipped": 1,
        "rows_rejected": 1,
        "items": {"calls": {"created": 1, "updated": 0, "duplicate": 0, "stale": 0, "rejected": 1}},
        "rejects_file": "in.csv.rejects.ndjson",
        "skipped_by_rule": {"c calls": 1},
    }
    assert json.loads((here / "in.csv.rejects.ndjson").read_text()) == {
        "line": 3,
        "resource": "calls",
        "external_id": "b",
        "pointer": "/wait_seconds",
        "code": "wrong_type",
        "reason": "'x' is not a whole number",
        "row": {"id": "b", "agent": "bob", "n": "x"},
    }


def test_a_summary_for_people(here: Path, api: ApiDouble) -> None:
    del here
    result = run("--url", api.url, "--key", "k")
    assert "3 rows read" in result.stdout
    assert "skipped by rule 'c calls': 1" in result.stdout
    assert "calls: 1 created, 0 updated, 0 duplicate, 0 stale, 1 rejected" in result.stdout
    assert "rejected: 1 x calls /wait_seconds wrong_type" in result.stdout
    assert "in.csv.rejects.ndjson" in result.stdout


def test_all_fine_is_zero_and_leaves_no_rejects_file(here: Path, api: ApiDouble) -> None:
    old = here / "in.csv.rejects.ndjson"
    old.write_text("of the last run")
    (here / "data" / "in.csv").write_text("id,agent,n\na,ann,1\n")
    result = run("--url", api.url, "--key", "k", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["rejects_file"] is None
    assert not old.exists()


def test_rejects_as_csv_where_asked_for(here: Path, api: ApiDouble) -> None:
    api.always = reject("a")(api)
    result = run("--url", api.url, "--key", "k", "--rejects", "no.csv")
    assert result.exit_code == 2
    found = list(csv.DictReader((here / "no.csv").read_text().splitlines()))
    assert [(row["line"], row["code"]) for row in found] == [("3", "wrong_type"), ("2", "too_long")]
    assert json.loads(found[0]["row"]) == {"id": "b", "agent": "bob", "n": "x"}


def test_a_rejects_file_that_cannot_be_written(here: Path) -> None:
    del here
    result = run("--dry-run", "--rejects", "nowhere/no.csv")
    assert result.exit_code == 1
    assert "rejects file nowhere/no.csv: No such file or directory" in result.stderr


def test_a_dry_run_shows_items_and_needs_no_server(here: Path) -> None:
    del here
    result = run("--dry-run")
    assert result.exit_code == 2
    first = json.loads(result.stdout.splitlines()[0])
    assert (first["line"], first["resource"]) == (2, "calls")
    assert first["item"]["wait_seconds"] == 1
    assert "calls: 1 mapped, 1 rejected" in result.stdout
    summary = json.loads(run("--dry-run", "--json").stdout)
    assert summary["mapped"] == {"calls": 1}
    assert summary["first_items"][0]["item"]["external_id"] == "a"


def test_a_limit(here: Path) -> None:
    del here
    assert json.loads(run("--dry-run", "--json", "--limit", "1").stdout)["rows_read"] == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "--url and --key are needed"),
        (["--url", "http://127.0.0.1:9"], "--url and --key are needed"),
        (["--dry-run", "--parallel", "0"], "--parallel"),
        (["--dry-run", "--nonsense"], "No such option"),
        (["--dry-run", "--map", "none.toml"], "none.toml: No such file or directory"),
        (["--dry-run", "--as", "tickets"], "--as tickets: the mapping writes calls"),
        (["--url", "http://127.0.0.1:9", "--key", "k", "--retry-for", "0"], "does not answer"),
    ],
)
def test_what_cannot_run_is_one_and_says_why(here: Path, args: list[str], said: str) -> None:
    del here
    result = run(*args)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("file", ["none.csv", "data"])
def test_a_file_that_cannot_be_read(here: Path, file: str) -> None:
    del here
    result = run("--dry-run", file=file)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"csapi import: {file}: ")


def test_the_key_may_come_from_the_environment(
    here: Path, api: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    del here
    monkeypatch.setenv("CSAPI_KEY", "secret")
    run("--url", api.url)
    assert {request.key for request in api.requests} == {"Bearer secret"}


def test_a_stop_midway_still_says_how_far_it_got(here: Path, api: ApiDouble) -> None:
    del here
    api.always = status(403, detail="Needs ingest:write.")
    result = run("--url", api.url, "--key", "k", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"].startswith("the key may not write calls (403)")
    assert result.stderr.count("\n") == 1


def test_ctrl_c_prints_the_summary_so_far(here: Path, api: ApiDouble) -> None:
    (here / "data" / "in.csv").write_text(
        "id,agent,n\n" + "".join(f"r{number},ann,1\n" for number in range(3000))
    )
    api.script = [api.take]
    api.always = status(503, Retry_After="1")
    args = ["--as", "calls", "--map", "map.toml", "--url", api.url, "--key", "k", "--json"]
    command = [sys.executable, "-m", "csapi", "import", "data/in.csv", *args]
    with subprocess.Popen(
        command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 20
        while len(api.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    summary = json.loads(stdout)
    assert summary["error"] == "interrupted"
    assert summary["items"]["calls"]["created"] == 1000
    assert "Traceback" not in stderr


def test_progress_without_a_terminal_is_a_line_now_and_then() -> None:
    said: list[str] = []
    lines = Lines("x", 200, said.append, every=0)
    lines.update(50, 1000)
    lines.note("waiting")
    assert said[0].startswith("x: 1,000 rows, 25 % of the file, ")
    assert said[1] == "x: waiting"
    quiet = Lines("x", 200, said.append)
    quiet.update(60, 2000)
    assert len(said) == 2


def test_progress_on_a_terminal_is_a_bar() -> None:
    console = Console(force_terminal=True, width=100, record=True)
    bar = Bar("importing", 200, console)
    bar.update(100, 1000)
    bar.note("waiting [1]")
    bar.close()
    assert "waiting [1]" in console.export_text()
