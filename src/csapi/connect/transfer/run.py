"""The import itself: rows in, items out, every row accounted for."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from csapi.connect.mapping.errors import CellError
from csapi.connect.mapping.mapping import MappingFile, RowMapper
from csapi.connect.mapping.row import Row
from csapi.connect.transfer.client import Api, Patience
from csapi.connect.transfer.csv_rows import CsvRows
from csapi.connect.transfer.declare import declare
from csapi.connect.transfer.delivery import ENCODER, Delivery
from csapi.connect.transfer.lanes import Lanes
from csapi.connect.transfer.ndjson_rows import NdjsonRows
from csapi.connect.transfer.progress import Reporter
from csapi.connect.transfer.rejects import Reject, Rejects
from csapi.connect.transfer.source import BadRow, InputFile, Source
from csapi.connect.transfer.tally import Origin, Tally

PREVIEW_ROWS = 3
ONCE_MAX = 100_000
_LAST_ANSWERS = 5.0
_TICK_ROWS = 512

Send = Callable[[str, str, dict[str, Any], Origin], None]


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    key: str
    patience: Patience
    parallel: int = 2
    batch_size: int = 1000


def _source(file: InputFile, mapping: MappingFile, name: str) -> Source:
    kind = mapping.input.format_for(name)
    if kind == "ndjson":
        return NdjsonRows(file.binary)
    return CsvRows(file.binary, mapping.input, tabs=kind == "tsv")


class Import:
    """One file and one mapping; what is wrong with them comes out before any row is sent."""

    def __init__(
        self, path: Path, mapping: MappingFile, main: str | None, rejects: Rejects
    ) -> None:
        self._path, self._mapping = path, mapping
        self.file = InputFile(path)
        try:
            with self.file.guard(lambda: 0):
                self._source = _source(self.file, mapping, path.name)
            self._mapper: RowMapper = mapping.bind(self._source.columns, main)
        except BaseException:
            self.file.close()
            raise
        self._attributes = mapping.custom_attributes
        self._main = main if main and main != "all" else self._mapper.outputs[0].resource
        self._sent_once: dict[tuple[int, str], int] = {}
        resources = dict.fromkeys(output.resource for output in self._mapper.outputs)
        self.tally = Tally(
            rejects,
            skipped={rule.name: 0 for rule in self._mapper.filters},
            items={resource: Counter() for resource in resources},
        )

    def close(self) -> None:
        self.file.close()

    def dry_run(self, reporter: Reporter, limit: int | None) -> list[dict[str, Any]]:
        """Map everything and send nothing; the items of the first rows, for a look at them."""
        preview: list[dict[str, Any]] = []
        first: set[int] = set()

        def keep(resource: str, key: str, item: dict[str, Any], origin: Origin) -> None:
            del key
            if len(first) < PREVIEW_ROWS or origin.line in first:
                first.add(origin.line)
                preview.append({"line": origin.line, "resource": resource, "item": item})

        self.map_rows(keep, reporter, limit)
        return preview

    def send(self, target: Target, reporter: Reporter, limit: int | None) -> None:
        """Raises ImportStoppedError where it cannot go on; the tally then says how far it got."""
        stop = threading.Event()
        api = Api(
            target.url,
            target.key,
            connections=target.parallel,
            patience=target.patience,
            notice=reporter.note,
            stop=stop,
        )
        try:
            declare(api, self._attributes, reporter.note)
            lanes = Lanes(
                Delivery(api, self.tally, self._source).deliver,
                parallel=target.parallel,
                batch_size=target.batch_size,
                stop=stop,
                tick=lambda: self._tick(reporter),
            )
            try:
                self.map_rows(lanes.add, reporter, limit)
                lanes.finish()
            except BaseException:
                lanes.abandon(_LAST_ANSWERS)
                raise
        finally:
            api.close()

    def warnings(self) -> list[str]:
        if not self.tally.rows_read:
            return []
        missing = sorted(self._mapper.columns.never_seen)
        return [f"warning: no row has a member {name!r}" for name in missing]

    def _tick(self, reporter: Reporter) -> None:
        reporter.update(self.file.position, self.tally.rows_read)

    def _learn_threads(self, limit: int | None) -> None:
        """Who answers whom has to be known before the first row: replies may come first."""
        if not self._mapper.threads:
            return
        file = InputFile(self._path)
        try:
            with file.guard(lambda: 0):
                source = _source(file, self._mapping, self._path.name)
                for _, raw in islice(source.rows(), limit):
                    if not isinstance(raw, BadRow):
                        row = self._mapper.row(raw)
                        for thread in self._mapper.threads:
                            thread.learn(row)
        finally:
            file.close()

    def map_rows(self, send: Send, reporter: Reporter, limit: int | None) -> None:
        self._learn_threads(limit)
        with self.file.guard(lambda: self._source.line):
            for line, raw in islice(self._source.rows(), limit):
                self.tally.rows_read += 1
                if self.tally.rows_read % _TICK_ROWS == 0:
                    self._tick(reporter)
                if isinstance(raw, BadRow):
                    reject = Reject(line, self._main, None, "", raw.code, raw.reason, raw.text)
                    self.tally.reject_row(reject)
                    continue
                row = self._mapper.row(raw)
                origin = Origin(line, raw)
                if not self._filtered(origin, row):
                    self._map_row(origin, row, send)

    def _filtered(self, origin: Origin, row: Row) -> bool:
        try:
            for rule in self._mapper.filters:
                if rule.drops(row):
                    self.tally.skipped[rule.name] += 1
                    return True
        except CellError as error:
            self._reject(origin, self._main, None, [("", error)], counted=True)
            return True
        return False

    def _map_row(self, origin: Origin, row: Row, send: Send) -> None:
        for index, output in enumerate(self._mapper.outputs):
            try:
                if output.when is not None and not output.when(row):
                    continue
            except CellError as error:
                self._reject(origin, output.resource, None, [("", error)])
                continue
            try:
                item = output.fields.build(row)
            except CellError as error:
                key = output.fields.key(output.key_field, row)
                problems = output.fields.problems(row) or [("", error)]
                self._reject(origin, output.resource, key, problems)
                continue
            key = str(item[output.key_field])
            if output.once and self._known(index, key, item):
                continue
            self.tally.mapped[output.resource] += 1
            send(output.resource, key, item, origin)

    def _known(self, index: int, key: str, item: dict[str, Any]) -> bool:
        """Whether the last item with this key was the same. A change, even back, is sent."""
        content = hash(ENCODER.encode(item))
        if self._sent_once.get((index, key)) == content:
            return True
        if len(self._sent_once) >= ONCE_MAX:
            self._sent_once.clear()
        self._sent_once[index, key] = content
        return False

    def _reject(
        self,
        origin: Origin,
        resource: str,
        key: str | None,
        problems: list[tuple[str, CellError]],
        *,
        counted: bool = False,
    ) -> None:
        original = self._source.original(origin.raw)
        rejects = [
            Reject(origin.line, resource, key, pointer, error.code, error.reason, original)
            for pointer, error in problems
        ]
        self.tally.reject_item(origin, rejects, counted=counted)
