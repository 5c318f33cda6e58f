"""An import of a few rows into a stand-in for the API."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.connect.api_double import ApiDouble, running
from tests.connect.mapped import HEAD

from csapi.connect.mapping.mapping import MappingFile
from csapi.connect.transfer.client import Patience
from csapi.connect.transfer.errors import ImportStoppedError
from csapi.connect.transfer.rejects import Rejects
from csapi.connect.transfer.run import Import, Target

QUICK = Patience(
    first_delay=0.005, longest_delay=0.02, give_up_after=5, until_reached=0.2, timeout=5
)


@dataclass
class Notes:
    """A reporter that keeps what it is told."""

    said: list[str] = field(default_factory=list)

    def update(self, position: int, rows: int) -> None:
        pass

    def note(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None:
        pass


@pytest.fixture
def api() -> Iterator[ApiDouble]:
    with running() as double:
        yield double


@dataclass
class Ran:
    summary: dict[str, Any]
    said: list[str]
    rejects: list[dict[str, Any]]
    stopped: str | None


@pytest.fixture
def run(api: ApiDouble, tmp_path: Path) -> Any:
    def run_import(
        rows: list[str],
        *,
        mapping: str = HEAD + 'agent = "agent"',
        url: str = "",
        patience: Patience = QUICK,
        parallel: int = 2,
        batch_size: int = 1000,
    ) -> Ran:
        path = tmp_path / "in.csv"
        path.write_text("id,agent\n" + "".join(f"{row}\n" for row in rows))
        rejects = Rejects(tmp_path / "rejects.ndjson", asked_for=True)
        job = Import(path, MappingFile(mapping, "map.toml"), None, rejects)
        notes = Notes()
        stopped = None
        try:
            job.send(Target(url or api.url, "k", patience, parallel, batch_size), notes, None)
        except ImportStoppedError as error:
            stopped = str(error)
        finally:
            job.close()
            rejects.close()
        lines = (tmp_path / "rejects.ndjson").read_text().splitlines()
        return Ran(job.tally.summary(), notes.said, [json.loads(line) for line in lines], stopped)

    return run_import
