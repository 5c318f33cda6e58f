import gzip
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.kit.sample import DOCUMENT
from tests.kit.serving import Server

from csapi.kit.docs_page import CONTENT_SECURITY_POLICY

SCALAR_SHA256 = "bf091006bdc3af6067af77c2f534812e3e633e94a94e87138069f570f33b762c"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


async def test_the_page_names_no_other_host(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "://" not in answer.text
    for link in re.findall(r'(?:src|href|data-url)="([^"]*)"', answer.text):
        if not link.startswith("data:"):
            assert (await client.get(link)).status_code == 200


async def test_the_page_may_not_talk_to_another_host(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["Content-Security-Policy"]
    assert policy == CONTENT_SECURITY_POLICY
    sources = {word for rule in policy.split("; ") for word in rule.split()[1:]}
    assert sources == {"'none'", "'self'", "data:", "'unsafe-inline'"}
    assert "script-src 'self';" in policy


@pytest.mark.parametrize("encoding", ["gzip, br", "identity", "br"])
async def test_the_script_is_the_released_one(client: httpx.AsyncClient, encoding: str) -> None:
    answer = await client.get("/docs/scalar.js", headers={"Accept-Encoding": encoding})
    assert answer.headers.get("Content-Encoding") == ("gzip" if "gzip" in encoding else None)
    assert hashlib.sha256(answer.content).hexdigest() == SCALAR_SHA256


async def test_what_the_client_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    for path in ("/docs", "/docs/scalar.js", "/openapi.json"):
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_document_is_served_to_everyone(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json", headers={"Authorization": ""})
    assert answer.json() == DOCUMENT


def test_the_license_is_beside_the_script() -> None:
    folder = Path(__file__).parents[2] / "src/csapi/kit/static/scalar"
    assert "MIT License" in (folder / "LICENSE").read_text()
    assert gzip.decompress((folder / "standalone.js.gz").read_bytes())


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_a_browser_shows_the_page_and_asks_no_other_host(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(CHROMIUM),
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000"),
            *("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",),
            f"--user-data-dir={tmp_path}",
            *("--dump-dom", f"http://127.0.0.1:{server.port}/docs"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "/v1/calls/batch" in done.stdout
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert len(console) == 1, console
    assert "@scalar/api-reference@" in console[0]
