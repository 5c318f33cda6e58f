"""Through the front door: batches over HTTP, a few side by side. Nothing may be rejected."""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import httpx
import msgspec

from csapi.connect.demo.deliveries import ATTRIBUTES, LANES, Batch, Deliveries
from csapi.connect.transfer.client import Api, CancelledError, Patience, problem_of
from csapi.kit.problems import FieldError

TITLE = "Adding demo data"


class Teller(Protocol):
    """Tells a person how far we are."""

    def say(self, message: str) -> None: ...

    def amount(self, title: str, done: int, total: int) -> None: ...


class DemoError(Exception):
    """Why the demo data is not complete, in one line."""


class Result(msgspec.Struct):
    index: int
    status: str
    external_id: str | None = None
    errors: list[FieldError] = []


class Answer(msgspec.Struct):
    results: list[Result]


class Sender:
    """Sends deliveries and counts what became of their items, by resource and status."""

    def __init__(self, base_url: str, key: str, teller: Teller) -> None:
        self.statuses: Counter[tuple[str, str]] = Counter()
        self._teller = teller
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._done = 0
        self._total = 0
        self._api = Api(
            base_url,
            key,
            connections=LANES,
            patience=Patience(give_up_after=60.0),
            notice=lambda _: None,
            stop=self._stop,
        )

    def send(self, deliveries: Deliveries) -> None:
        """Raises DemoError, or what keeps the server from being reached."""
        self._total = deliveries.amount
        try:
            self._declare()
            self._lane(deliveries.people)
            threads = [
                threading.Thread(target=self._run, args=[lane], daemon=True)
                for lane in deliveries.lanes
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._api.close()
        if self._failure is not None:
            raise self._failure

    def _run(self, lane: Iterable[Batch]) -> None:
        try:
            self._lane(lane)
        except CancelledError:
            return
        except BaseException as error:  # noqa: BLE001  raised again in send()
            self._failure = self._failure or error
            self._stop.set()

    def _declare(self) -> None:
        for name, label in ATTRIBUTES.items():
            body = msgspec.json.encode({"name": name, "label": label})
            self._post("/v1/custom-attributes", body)

    def _lane(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            response = self._post(f"/v1/{batch.resource}/batch", msgspec.json.encode(batch.items))
            results = msgspec.json.decode(response.content, type=Answer).results
            if rejected := [each for each in results if each.status == "rejected"]:
                raise DemoError(rejection(batch.resource, rejected))
            with self._lock:
                self._done += len(results)
                self.statuses.update((batch.resource, each.status) for each in results)
                self._teller.amount(TITLE, self._done, self._total)

    def _post(self, path: str, body: bytes) -> httpx.Response:
        response = self._api.post(path, body)
        if not response.is_success:
            problem = problem_of(response)
            said = problem.detail or problem.title
            raise DemoError(f"POST {path} answers {response.status_code}: {said}")
        return response


def rejection(resource: str, rejected: list[Result]) -> str:
    first = rejected[0]
    error = first.errors[0]
    return (
        f"{len(rejected)} of {resource} are rejected, first {first.external_id}: "
        f"{error.pointer} {error.message}"
    )
