"""Runs a mapping over a small file, without a server."""

import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csapi.connect.mapping.mapping import MappingFile
from csapi.connect.transfer.delivery import ENCODER
from csapi.connect.transfer.progress import Lines
from csapi.connect.transfer.rejects import Rejects
from csapi.connect.transfer.run import Import
from csapi.connect.transfer.tally import Origin, Tally

HEAD = """
[[output]]
resource = "calls"
[output.fields]
source = { const = "s" }
external_id = "id"
queue_entered_at = 2026-01-05T10:00:00Z
"""


@dataclass(frozen=True)
class Mapped:
    """`items` by resource, as they would be on the wire."""

    items: dict[str, list[dict[str, Any]]]
    rejects: list[dict[str, Any]]
    tally: Tally
    warnings: list[str]

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.items["calls"]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        return [(reject["line"], reject["pointer"], reject["code"]) for reject in self.rejects]


def map_file(
    mapping: str, path: Path, *, main: str | None = None, limit: int | None = None
) -> Mapped:
    items: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def keep(resource: str, key: str, item: dict[str, Any], origin: Origin) -> None:
        del key, origin
        items[resource].append(json.loads(ENCODER.encode(item)))

    with tempfile.TemporaryDirectory() as folder:
        rejects_path = Path(folder) / "rejects.ndjson"
        rejects = Rejects(rejects_path, asked_for=True)
        try:
            job = Import(path, MappingFile(mapping, "map.toml"), main, rejects)
            try:
                job.map_rows(keep, Lines("test", job.file.size, print, every=60), limit)
            finally:
                job.close()
        finally:
            rejects.close()
        lines = rejects_path.read_text().splitlines()
    return Mapped(items, [json.loads(line) for line in lines], job.tally, job.warnings())


def map_text(
    mapping: str,
    text: str | bytes,
    *,
    name: str = "in.csv",
    main: str | None = None,
    limit: int | None = None,
) -> Mapped:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return map_file(mapping, path, main=main, limit=limit)


def map_field(spec: str, *cells: str, top: str = "") -> Mapped:
    """The field `topic` made by `spec` from rows with the column `x`, one row per cell."""
    rows = "".join(f"r{number},{cell}\n" for number, cell in enumerate(cells))
    return map_text(f"{top}\n{HEAD}topic = {spec}\n", f"id,x\n{rows}")


def topics(spec: str, *cells: str, top: str = "") -> list[Any]:
    """What `topic` becomes for each cell; None where it is left out. No row is rejected."""
    mapped = map_field(spec, *cells, top=top)
    assert mapped.rejects == []
    return [call.get("topic") for call in mapped.calls]
