"""The public API over HTTP: one POST at a time, tried again while that can help."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
import msgspec

from csapi.connect.transfer.errors import ImportStoppedError
from csapi.kit.clock import now

_RETRIED = frozenset([408, 425, 429, *range(500, 600)]) - {501, 505}
_JITTER = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try. `until_reached` holds while no connection has ever been made."""

    first_delay: float = 0.25
    longest_delay: float = 5.0
    give_up_after: float = 300.0
    until_reached: float = 20.0
    timeout: float = 60.0  # longer than the server works on a request: none outlives its retry


class Problem(msgspec.Struct):
    """What is needed of an application/problem+json body."""

    code: str = ""
    title: str = ""
    detail: str = ""


class CancelledError(Exception):
    """Another part of the import has stopped it."""


class Api:
    """Safe for use by several threads. `notice` gets one line whenever there is a wait."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        connections: int,
        patience: Patience,
        notice: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self.url = _base_url(url)
        self._patience = patience
        self._notice = notice
        self._stop = stop
        self._reached = False
        self._client = httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
            timeout=httpx.Timeout(patience.timeout, connect=5.0),
            limits=httpx.Limits(max_connections=connections),
            trust_env=not _is_loopback(self.url),
        )

    def close(self) -> None:
        self._client.close()

    def post(self, path: str, body: bytes) -> httpx.Response:
        """The answer, of any status for which trying again is no use."""
        started = time.monotonic()
        delay = self._patience.first_delay
        while True:
            if self._stop.is_set():
                raise CancelledError
            response, trouble = self._once(path, body)
            if response is not None and response.status_code not in _RETRIED:
                return response
            wait = max(_JITTER.uniform(delay / 2, delay), _retry_after(response))
            self._check_patience(time.monotonic() - started, wait, trouble)
            self._notice(f"{trouble}; trying again in {wait:.1f} s")
            self._stop.wait(wait)
            delay = min(delay * 2, self._patience.longest_delay)

    def _once(self, path: str, body: bytes) -> tuple[httpx.Response | None, str]:
        try:
            response = self._client.post(path, content=body)
        except httpx.TransportError as error:
            self._reached |= not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            what = str(error) or type(error).__name__
            return None, f"{self.url} does not answer ({what})"
        except httpx.DecodingError as error:
            raise ImportStoppedError(f"{self.url}: unreadable answer ({error})") from None
        self._reached = True
        return response, f"{self.url} answers {response.status_code} {problem_of(response).title}"

    def _check_patience(self, waited: float, wait: float, trouble: str) -> None:
        limit = self._patience.give_up_after
        if not self._reached:
            limit = min(limit, self._patience.until_reached)
        if waited + wait <= limit:
            return
        hint = "Is the address right, and the server up?"
        if self._reached:
            hint = "Run the same import again later: what has landed is not counted twice."
        raise ImportStoppedError(f"{trouble}; given up after {waited:.0f} s. {hint}")


def problem_of(response: httpx.Response) -> Problem:
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = Problem()
    problem.title = problem.title or response.reason_phrase
    return problem


def _retry_after(response: httpx.Response | None) -> float:
    """The seconds that the server asks for, as a number or as a date."""
    value = "" if response is None else response.headers.get("retry-after", "")
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ImportStoppedError(f"--url {url}: a URL such as http://127.0.0.1:8800 is needed")
    return url.rstrip("/").removesuffix("/v1")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
