"""The client of openapi-python-client: made from the committed document, checked, and used."""

import shutil
import sys
from pathlib import Path

from tests.clients.tools import DOCUMENT, TRIPS, address, run, type_check
from tests.conftest import Tenant

CONFIG = "post_hooks: []\n"


def test_the_client_is_whole_and_makes_a_round_trip(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    said = run(
        "openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none",
        "--output-path", tmp_path / "csapi_client", "--config", "config.yaml", cwd=tmp_path,
    )  # fmt: skip
    # A batch is made for JSON; that its second media type is left out is all there is to warn of.
    warnings = said.count("WARNING")
    assert warnings == said.count("Unsupported content type application/x-ndjson"), said[-2000:]
    shutil.copy(TRIPS / "openapi_python_client.py", tmp_path / "trip.py")
    type_check(tmp_path, "csapi_client", "trip.py")
    assert not tenant.http.get("/v1/calls").json()["data"]
    run(sys.executable, "trip.py", cwd=tmp_path, **address(tenant))
