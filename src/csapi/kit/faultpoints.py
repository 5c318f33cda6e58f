"""Places at which a test may end, stop or delay the process; nothing unless CSAPI_FAULTPOINTS names
them when the module is imported.

A plan is `POINT=ACTION:CHANCE`, with commas between: `rebuild.*=kill:0.02,commit.after=wait2:1`.
Actions: kill (SIGKILL), stop (SIGSTOP), waitS (block S seconds), raise. CSAPI_FAULT_SEED makes it
repeatable, and CSAPI_FAULT_LOG names a file that gets a line for each.
"""

import contextlib
import fnmatch
import os
import random
import re
import signal
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from csapi.kit.db import StartupError

VARIABLE = "CSAPI_FAULTPOINTS"
# The only databases whose processes take a plan.
DATABASES = ("/csapi_test", "/csapi_faults")
RULE = re.compile(r"([a-z_.*]+)=(kill|stop|raise|wait)(\d*\.?\d*):(\d*\.?\d+)")

# Pattern of points, action, seconds, chance.
Rule = tuple[str, str, float, float]


class FaultInjected(OSError):  # noqa: N818 - it says what is so
    """What the action `raise` raises."""


def _nothing(point: str) -> None:
    del point


def read_plan(text: str) -> list[Rule]:
    """Raises StartupError for what is no plan."""
    rules: list[Rule] = []
    for part in text.split(","):
        found = RULE.fullmatch(part.strip())
        if found is None:
            raise StartupError(f"{VARIABLE} is not a plan at {part.strip()!r}. Unset it.")
        pattern, action, seconds, chance = found.groups()
        rules.append((pattern, action, float(seconds or 1), float(chance)))
    return rules


class Faults:
    """What a plan does at each point."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.load(environ)

    def load(self, environ: Mapping[str, str]) -> None:
        """Take the plan of `environ`, and lots of its own: a fork does not repeat its parent's."""
        text = environ.get(VARIABLE)
        self.plan = read_plan(text) if text else []
        self.dice = random.Random(environ.get("CSAPI_FAULT_SEED"))  # noqa: S311  repeatable
        self.log = environ.get("CSAPI_FAULT_LOG")

    def reach(self, point: str) -> None:
        for pattern, action, seconds, chance in self.plan:
            if fnmatch.fnmatchcase(point, pattern) and self.dice.random() < chance:
                self._note(f"{point} {action} {os.getpid()}\n")
                _act(action, seconds)

    def _note(self, line: str) -> None:
        if self.log is None:
            return
        with contextlib.suppress(OSError):
            descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, line.encode())
            os.close(descriptor)


def _act(action: str, seconds: float) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "wait":
        time.sleep(seconds)
    else:
        raise FaultInjected("a fault that was asked for")


def refuse_faults_of(database_url: str | None) -> None:
    """Raises StartupError where faults are planned for a database that is not a test's."""
    if VARIABLE in os.environ and not urlsplit(database_url or "").path.startswith(DATABASES):
        raise StartupError(
            f"{VARIABLE} is for tests of csapi: this process would end itself over real data. "
            "Unset it."
        )


ACTIVE = Faults(os.environ) if VARIABLE in os.environ else None
faultpoint: Callable[[str], None] = _nothing if ACTIVE is None else ACTIVE.reach
