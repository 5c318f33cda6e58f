"""A headless browser, told what to do over a pipe (Chrome DevTools Protocol)."""

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip
READS, WRITES = 3, 4
PATIENCE_SECONDS = 30


def high(number: int) -> int:
    """The same file under a number that is in nobody's way."""
    found = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(number)
    return found


class Browser:
    """One page. Whatever scripts write to the console is in `said`."""

    def __init__(self, profile: Path) -> None:
        commands, self._send = (high(each) for each in os.pipe())
        self._receive, events = (high(each) for each in os.pipe())

        def take_over() -> None:
            os.dup2(commands, READS)
            os.dup2(events, WRITES)

        self._process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=take_over,  # noqa: PLW1509  nothing else runs in between
            pass_fds=(READS, WRITES),
        )
        os.close(commands)
        os.close(events)
        self._numbers = itertools.count(1)
        self._pending = b""
        self._session: str | None = None
        self.said: list[str] = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._send)
        os.close(self._receive)

    def do(self, method: str, **params: Any) -> Any:
        """The result of a command."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == number:
                assert "error" not in found, found
                return found["result"]

    def _next(self) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._receive], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            data = os.read(self._receive, 1 << 20)
            assert data, "the browser is gone"
            self._pending += data
        message, _, self._pending = self._pending.partition(b"\0")
        found = json.loads(message)
        self._note(found)
        return found

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled":
                self.said.append(str([each.get("value") for each in params["args"]]))
            case "Runtime.exceptionThrown":
                self.said.append(str(params["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(f"{params['entry']['text']} {params['entry'].get('url')}")
            case _:
                pass

    def open(self, url: str) -> None:
        """A new page, even if only what follows the # differs."""
        self.do("Page.navigate", url="about:blank")
        self.do("Page.navigate", url=url)

    def tell(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.do(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str) -> Any:
        """The first value of an expression that holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if value := self.tell(expression):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never so: {expression}; the console: {self.said}")

    def size(self, width: int, height: int) -> None:
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def picture(self, path: Path) -> None:
        """All of the page as a PNG."""
        found = self.do("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))
