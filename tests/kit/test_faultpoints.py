"""Fault points: nothing in production, and what the plan says in tests."""

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from csapi.kit.db import StartupError
from csapi.kit.faultpoints import (
    VARIABLE,
    FaultInjected,
    Faults,
    _nothing,
    faultpoint,
    read_plan,
    refuse_faults_of,
)


def test_points_are_nothing_unless_asked_for() -> None:
    assert faultpoint is _nothing


@pytest.mark.parametrize("text", ["", "x", "x=kill", "x=burn:1", "x=kill:often", "a=kill:1,,"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(StartupError, match=VARIABLE):
        read_plan(text)


def test_a_plan_names_points_actions_and_chances() -> None:
    plan = read_plan("rebuild.*=kill:0.02, commit.after=wait2.5:1")
    assert plan == [("rebuild.*", "kill", 1.0, 0.02), ("commit.after", "wait", 2.5, 1.0)]


def test_the_seed_repeats_the_lots(tmp_path: Path) -> None:
    def reached(seed: str) -> list[bool]:
        log = tmp_path / seed
        faults = Faults({VARIABLE: "a=wait0:0.5", "CSAPI_FAULT_SEED": seed})
        faults.log = str(log)
        sizes = [0]
        for _ in range(20):
            faults.reach("a")
            faults.reach("b")
            sizes.append(log.stat().st_size if log.exists() else 0)
        return [after > before for before, after in pairwise(sizes)]

    assert reached("1") == reached("1")
    assert 0 < sum(reached("2")) < 20
    assert reached("1") != reached("2")


def test_a_point_may_raise() -> None:
    with pytest.raises(FaultInjected):
        Faults({VARIABLE: "a.*=raise:1"}).reach("a.b")


@pytest.mark.parametrize("url", ["postgresql://h/csapi", "postgresql://h/", None])
def test_no_process_of_real_data_takes_a_plan(
    monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    refuse_faults_of(url)
    monkeypatch.setenv(VARIABLE, "a=kill:1")
    with pytest.raises(StartupError, match="Unset it"):
        refuse_faults_of(url)
    refuse_faults_of("postgresql://h/csapi_test_1")


def test_a_process_ends_where_it_was_told_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "from csapi.kit.faultpoints import faultpoint; faultpoint('b'); faultpoint('a')"
    environ = {**os.environ, VARIABLE: "a=kill:1", "CSAPI_FAULT_LOG": str(log)}
    done = subprocess.run([sys.executable, "-c", program], env=environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert log.read_text().startswith("a kill ")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_commands_refuse_a_plan(command: str) -> None:
    environ = {
        **os.environ,
        VARIABLE: "a=kill:1",
        "CSAPI_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/csapi",
    }
    done = subprocess.run(
        [sys.executable, "-m", "csapi", command],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert VARIABLE in done.stderr
    assert "Traceback" not in done.stderr
