"""One batch to the API and its answer into the tally, item by item."""

from collections import Counter
from typing import Any, NoReturn

import httpx
import msgspec

from csapi.connect.mapping.shapes import RESOURCES, key_field
from csapi.connect.transfer.client import Api, problem_of
from csapi.connect.transfer.errors import ImportStoppedError
from csapi.connect.transfer.rejects import Reject
from csapi.connect.transfer.source import Source
from csapi.connect.transfer.tally import Origin, Tally

BODY_MAX = 4_000_000
REFUSED_ALONE_MAX = 50

ENCODER = msgspec.json.Encoder(decimal_format="number")


class ItemError(msgspec.Struct):
    pointer: str = ""
    code: str = ""
    message: str = ""


class ItemResult(msgspec.Struct):
    index: int
    status: str
    external_id: str | None = None
    errors: list[ItemError] = []


class BatchAnswer(msgspec.Struct):
    results: list[ItemResult]


class Batch(msgspec.Struct):
    resource: str
    items: list[dict[str, Any]]
    origins: list[Origin]

    def halves(self) -> tuple["Batch", "Batch"]:
        middle = len(self.items) // 2
        return (
            Batch(self.resource, self.items[:middle], self.origins[:middle]),
            Batch(self.resource, self.items[middle:], self.origins[middle:]),
        )

    @property
    def lines(self) -> str:
        return f"lines {self.origins[0].line:,} to {self.origins[-1].line:,}"


class Delivery:
    """Sends batches for several threads; what they share is behind the tally's lock."""

    def __init__(self, api: Api, tally: Tally, source: Source) -> None:
        self._api = api
        self._tally = tally
        self._source = source
        self._refused_alone = 0

    def deliver(self, batch: Batch) -> None:
        body = ENCODER.encode(batch.items)
        if len(body) > BODY_MAX and len(batch.items) > 1:
            self._apart(batch)
            return
        response = self._api.post(f"/v1/{batch.resource}/batch", body)
        if response.status_code == httpx.codes.OK:
            self._refused_alone = 0
            self._account(batch, response)
        elif response.status_code in (400, 413, 422):
            self._refused(batch, response)
        else:
            self._stop(batch, response)

    def _apart(self, batch: Batch) -> None:
        for half in batch.halves():
            self.deliver(half)

    def _refused(self, batch: Batch, response: httpx.Response) -> None:
        """A body that is refused as a whole is halved until the item at fault stands alone."""
        if len(batch.items) > 1:
            self._apart(batch)
            return
        problem = problem_of(response)
        reason = problem.detail or problem.title
        self._refused_alone += 1
        if self._refused_alone > REFUSED_ALONE_MAX:
            raise ImportStoppedError(
                f"{self._api.url} refuses every {batch.resource} item "
                f"({response.status_code}: {reason}); {batch.lines}"
            )
        code = problem.code or f"http_{response.status_code}"
        self._tally.count(batch.resource, Counter(rejected=1))
        self._reject(batch, 0, [ItemError("", code, reason)])

    def _account(self, batch: Batch, response: httpx.Response) -> None:
        try:
            results = msgspec.json.decode(response.content, type=BatchAnswer).results
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._not_our_api("the answer is not a batch answer")
        if [result.index for result in results] != [*range(len(batch.items))]:
            self._not_our_api("the answer does not name each item once")
        self._tally.count(batch.resource, Counter(result.status for result in results))
        for result in results:
            if result.status == "rejected":
                errors = result.errors or [ItemError("", "rejected", "no reason given")]
                self._reject(batch, result.index, errors)

    def _reject(self, batch: Batch, index: int, errors: list[ItemError]) -> None:
        origin = batch.origins[index]
        row = self._source.original(origin.raw)
        external_id = batch.items[index].get(key_field(batch.resource))
        rejects = [
            Reject(
                line=origin.line,
                resource=batch.resource,
                external_id=None if external_id is None else str(external_id),
                pointer=error.pointer.removeprefix(f"/{index}"),
                code=error.code,
                reason=error.message,
                row=row,
            )
            for error in errors
        ]
        self._tally.reject_item(origin, rejects, counted=True)

    def _stop(self, batch: Batch, response: httpx.Response) -> NoReturn:
        status, problem = response.status_code, problem_of(response)
        said = problem.detail or problem.title
        if status == httpx.codes.UNAUTHORIZED:
            raise ImportStoppedError(f"the server refuses the key (401): {said}")
        if status == httpx.codes.FORBIDDEN:
            raise ImportStoppedError(f"the key may not write {batch.resource} (403): {said}")
        if status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
            raise ImportStoppedError(
                f"{self._api.url} has no /v1/{batch.resource}/batch ({status}); is it a csapi "
                f"server that takes {batch.resource}? Known: {', '.join(RESOURCES)}"
            )
        if response.has_redirect_location:
            where = response.headers["location"]
            raise ImportStoppedError(f"the server moved ({status}) to {where}; use that as --url")
        raise ImportStoppedError(f"the server answers {status} for {batch.lines}: {said}")

    def _not_our_api(self, why: str) -> NoReturn:
        raise ImportStoppedError(f"{self._api.url} does not look like a csapi server: {why}")
