"""Keeps one child alive: when it dies it starts again, later each time it dies young."""

import time

from csapi.embedded.child import Child
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Progress

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
HEALTHY_SECONDS = 30.0


class Keeper:
    def __init__(self, child: Child) -> None:
        self.child = child
        self._delay = FIRST_DELAY
        self._started_at = time.monotonic()
        self._restart_at: float | None = None
        self._is_restarting = False

    def tend(self, progress: Progress) -> bool:
        """Do what is due; True when a new process has started."""
        now = time.monotonic()
        if self._restart_at is not None:
            if now < self._restart_at:
                return False
            return self._restart(progress)
        if not self.child.running():
            self._plan(now, progress)
        elif self._is_restarting and self.child.ready():
            self._is_restarting = False
            progress.say(f"{self.child.service.title} is running again")
        return False

    def _plan(self, now: float, progress: Progress) -> None:
        if now - self._started_at > HEALTHY_SECONDS:
            self._delay = FIRST_DELAY
        code = self.child.process.returncode if self.child.process else None
        progress.say(
            f"{self.child.service.title} ended (exit code {code}), starting it again; "
            f"see {self.child.log}"
        )
        self._restart_at = now + self._delay
        self._delay = min(self._delay * 2, LONGEST_DELAY)

    def _restart(self, progress: Progress) -> bool:
        self._restart_at = None
        self._is_restarting = True
        self._started_at = time.monotonic()
        try:
            self.child.start(progress)
        except (EmbeddedError, OSError) as error:
            progress.say(f"{self.child.service.title} could not be started: {error}")
            self._restart_at = time.monotonic() + self._delay
            self._delay = min(self._delay * 2, LONGEST_DELAY)
            return False
        return True
