"""`csapi up` with stand-ins for csapi's own programs, so that tests of the supervisor are quick.

python stand_in.py up DATA_DIR PORT     prints a JSON line when ready
python stand_in.py migrate|api|worker   what it runs
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.programs import Address, Programs
from csapi.embedded.runtime import Runtime
from csapi.embedded.supervisor import Plan, Supervisor


def up(data_dir: str, port: str) -> None:
    def announce(runtime: Runtime) -> None:
        click.echo(json.dumps({"base_url": runtime.base_url}))

    def say(message: str) -> None:
        click.echo(message, err=True)

    part = [sys.executable, __file__]
    plan = Plan(
        data_dir=Path(data_dir),
        address=Address("127.0.0.1", int(port)),
        environ=dict(os.environ),
        programs=Programs([*part, "migrate"], [*part, "api"], [*part, "worker"]),
    )
    try:
        Supervisor(plan, say).run(announce)
    except EmbeddedError as error:
        sys.exit(f"{error.detail}\ncsapi: {error}")


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def api() -> None:
    """Like granian: a parent, and a worker that would outlive it."""
    if "CSAPI_TEST_DEAF" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(os.environ["CSAPI_TEST_PID_FILE"]).write_text(str(worker.pid))
    address = (os.environ["CSAPI_HOST"], int(os.environ["CSAPI_PORT"]))
    try:
        http.server.ThreadingHTTPServer(address, Ready).serve_forever()
    finally:
        worker.kill()
        worker.wait()


def main() -> None:
    match sys.argv[1:]:
        case ["up", data_dir, port]:
            up(data_dir, port)
        case ["migrate"]:
            sys.exit(os.environ.get("CSAPI_TEST_MIGRATE_ERROR"))
        case ["api"]:
            api()
        case ["worker"]:
            while True:
                time.sleep(60)


if __name__ == "__main__":
    main()
