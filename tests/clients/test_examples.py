"""The quick start runs as it is written, and the Postman collection has all operations."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.clients.tools import DOCUMENT, EXAMPLES, HERE, address, in_node, node_project, run
from tests.conftest import Tenant

from csapi.app import ALL_OPERATIONS, openapi_document
from csapi.cli.openapi import http_text, postman_text
from csapi.kit.postman import collection

NODE = HERE / "node"


def test_the_quick_start_in_python(tenant: Tenant, tmp_path: Path) -> None:
    told = run(sys.executable, EXAMPLES / "quickstart.py", cwd=tmp_path, **address(tenant))
    lines = told.splitlines()
    assert lines[:3] == [f"c{number} created []" for number in range(3)]
    assert lines[3] == "calls_offered: 3 (n = 3)"
    assert lines[4].startswith("service_level: 0.66")
    assert lines[5:] == ["304"]


@pytest.mark.harden
def test_the_quick_start_in_typescript(tenant: Tenant, tmp_path: Path) -> None:
    """As its package.json says how, with the locked packages."""
    folder = EXAMPLES / "typescript"
    node_project(tmp_path)
    for name in ("package.json", "tsconfig.json", "quickstart.ts"):
        shutil.copy(folder / name, tmp_path)
    told = in_node(tmp_path, "npm", "start", "--silent", **address(tenant)).splitlines()
    assert told[-6:-3] == [f"c{number} created []" for number in range(3)]
    assert told[-3] == "calls_offered: 3 (n = 3)"
    assert told[-2].startswith("service_level: 0.66")
    assert told[-1] == "304"


def test_the_quick_start_in_typescript_takes_the_versions_that_are_tested() -> None:
    locked = json.loads((NODE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    own = json.loads((EXAMPLES / "typescript" / "package.json").read_text(encoding="utf-8"))
    wanted = own["dependencies"] | own["devDependencies"]
    assert wanted.items() <= locked.items()


def test_the_postman_collection_is_that_of_the_code() -> None:
    assert DOCUMENT.with_name("postman.json").read_text(encoding="utf-8") == postman_text()


def test_the_http_file_is_that_of_the_code_and_has_every_operation() -> None:
    text = DOCUMENT.with_name("csapi.http").read_text(encoding="utf-8")
    assert text == http_text()
    asked = re.findall(r"^([A-Z]+) \{\{base_url\}\}([^?\n]*)", text, re.MULTILINE)
    found = {(method, re.sub(r"\{\{|\}\}", "", path)) for method, path in asked}
    wanted = {(each.method, re.sub("[{}]", "", each.path)) for each in ALL_OPERATIONS}
    assert found == wanted
    assert set(re.findall(r"\{\{(\w+)\}\}", text)) == set(re.findall(r"(?m)^@(\w+) =", text))


def test_the_postman_collection_has_every_operation() -> None:
    made = collection(openapi_document())
    requests = [item["request"] for folder in made["item"] for item in folder["item"]]
    found = {
        (each["method"], "/" + "/".join(each["url"]["path"]).replace(":", "")) for each in requests
    }
    wanted = {(each.method, each.path.replace("{", "").replace("}", "")) for each in ALL_OPERATIONS}
    assert found == wanted
    for each in requests:
        if each["method"] in ("POST", "PUT", "PATCH") and "body" in each:
            assert each["body"]["raw"] not in ("", "{}"), each["url"]["raw"]
