"""Clients in TypeScript and of openapi-generator: a part of `make harden`."""

import shutil
import sys
from pathlib import Path

import pytest
from tests.clients.tools import (
    DOCUMENT,
    TRIPS,
    address,
    in_node,
    java_home,
    node_project,
    packaged,
    run,
)
from tests.conftest import Tenant

pytestmark = pytest.mark.harden


def test_the_types_of_openapi_typescript_with_openapi_fetch(tenant: Tenant, tmp_path: Path) -> None:
    node_project(tmp_path)
    in_node(tmp_path, "openapi-typescript", str(DOCUMENT), "-o", "schema.d.ts")
    shutil.copy(TRIPS / "openapi_fetch.ts", tmp_path / "trip.ts")
    in_node(tmp_path, "tsc", "-p", ".")
    in_node(tmp_path, "node", "made/trip.js", **address(tenant))


def test_the_client_of_hey_api(tenant: Tenant, tmp_path: Path) -> None:
    node_project(tmp_path)
    in_node(tmp_path, "openapi-ts", "-i", str(DOCUMENT), "-o", "hey")
    shutil.copy(TRIPS / "hey_api.ts", tmp_path / "trip.ts")
    in_node(tmp_path, "tsc", "-p", ".")
    in_node(tmp_path, "node", "made/trip.js", **address(tenant))


def test_the_python_client_of_openapi_generator(tenant: Tenant, tmp_path: Path) -> None:
    """With the options that everybody starts with; what it makes is checked as its own project
    does, in which unused imports and the like are no errors."""
    packaged("openapi_generator_cli")
    run(
        "openapi-generator-cli", "generate", "-i", DOCUMENT, "-g", "python", "-o", ".",
        "--package-name", "csapi_client", cwd=tmp_path, **java_home(),
    )  # fmt: skip
    for needed in ("urllib3", "dateutil", "pydantic"):
        packaged(needed)
    shutil.copy(TRIPS / "openapi_generator.py", tmp_path / "trip.py")
    run(sys.executable, "trip.py", cwd=tmp_path, **address(tenant))
