"""What can go wrong: with the mapping file, or with one cell of one row."""

import difflib
from collections.abc import Iterable

SHOWN_MAX = 64


class MappingError(Exception):
    """The mapping cannot be used. `word` is what to look for in the file to find the line."""

    def __init__(self, place: str, message: str, word: str | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.word = word


class CellError(Exception):
    """One value of one row cannot be mapped. `code` uses the words of the API's own errors."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}\N{HORIZONTAL ELLIPSIS}"


def unknown(place: str, what: str, word: str, allowed: Iterable[str]) -> MappingError:
    """`what` names the kind of thing that `word` is not one of."""
    names = list(allowed)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    choice = ", ".join(names) if names else "none"
    return MappingError(place, f"unknown {what} {word!r}.{hint} Allowed: {choice}", word)
