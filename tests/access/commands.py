"""Running the csapi command on a test's database."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Done:
    code: int
    output: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.output.splitlines()]


def csapi(url: str | None, *arguments: str) -> Done:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CSAPI_")}
    if url is not None:
        environ["CSAPI_DATABASE_URL"] = url
    done = subprocess.run(
        [sys.executable, "-m", "csapi", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
