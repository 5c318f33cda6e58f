"""Forks processes of the product from one that has imported it, so that a kill costs no start.

Run as a process: takes a JSON line for each child on stdin ({"command", "environ", "log",
"mutant"}) and answers with {"pid"}; tells {"pid", "status"} when one ended. Ends, with all its
children, when stdin is closed.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import sys
from functools import partial
from typing import Any
from unittest.mock import patch

import asyncpg

# A plan that does nothing, so that the points are compiled in; each child loads its own.
os.environ["CSAPI_FAULTPOINTS"] = "none=kill:0"

from csapi import app, worker  # noqa: F401  imported once, for all children
from csapi.cli.main import main as csapi
from csapi.kit import faultpoints

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.02


def tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def reseed(faults: faultpoints.Faults) -> None:
    faults.dice.seed(f"{faults.dice.random()} {os.getpid()}")


def mutate(named: str, stack: contextlib.ExitStack) -> None:
    """Break the protocol of this process: `module:NAME` of an explorer's mutant."""
    module, name = named.split(":")
    mutant = getattr(importlib.import_module(module), name)
    stack.enter_context(mutant.patch())
    execute = asyncpg.Connection._execute

    async def rewritten(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        return await execute(self, mutant.rewrite(query), *args, **kwargs)

    stack.enter_context(patch.object(asyncpg.Connection, "_execute", rewritten))


def become(order: dict[str, Any]) -> None:
    """What a child does: the command of the product, as `csapi` runs it. Does not come back."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order["environ"])
    if faultpoints.ACTIVE is not None:
        faultpoints.ACTIVE.load(order["environ"])
        # A server that starts its own processes again must not draw the same lots in each.
        os.register_at_fork(after_in_child=partial(reseed, faultpoints.ACTIVE))
    sys.argv = ["csapi", *order["command"].split()]
    with contextlib.ExitStack() as stack:
        if order.get("mutant"):
            mutate(order["mutant"], stack)
        code = 1
        try:
            csapi()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            tell(pid=pid, status=os.waitstatus_to_exitcode(status))


def main() -> None:
    tell(ready=True)
    while True:
        bury()
        if not select.select([0], [], [], POLL_SECONDS)[0]:
            continue
        # Line by line and unbuffered: select() does not see what a buffer holds.
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                return
            line += byte
        pid = os.fork()
        if pid == 0:
            become(json.loads(line))
        tell(pid=pid)


if __name__ == "__main__":
    main()
