"""Reading server-sent events as a browser does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

PATIENCE_SECONDS = 15


@dataclass
class Event:
    """A message; a comment has the name ":"."""

    name: str = ""
    id: str | None = None
    data: Any = None


@dataclass
class Events:
    """The events of an open stream."""

    answer: httpx.Response
    retry: int | None = None
    seen: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = self.answer.iter_lines()

    def __iter__(self) -> Iterator[Event]:
        event = Event()
        for line in self._lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if line.startswith(":"):
                yield Event(":")
            elif name == "retry":
                self.retry = int(value)
            elif name == "id":
                event.id = value
            elif name == "event":
                event.name = value
            elif name == "data":
                event.data = msgspec.json.decode(value)
            elif not line and event.name:
                self.seen.append(event)
                yield event
                event = Event()

    def next(self, name: str = "live") -> Event:
        """The next event of that name."""
        return next(each for each in self if each.name == name)


@contextmanager
def opened(client: httpx.Client, **params: Any) -> Iterator[Events]:
    how: Any = {"params": params, "timeout": PATIENCE_SECONDS}
    with client.stream("GET", "/v1/live/stream", **how) as answer:
        if answer.status_code != 200:
            answer.read()
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/event-stream"
        yield Events(answer)
