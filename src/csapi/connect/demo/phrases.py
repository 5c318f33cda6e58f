"""What customers and agents write, in three languages. Reads the files in texts/."""

from functools import cache
from importlib.resources import files

import msgspec

LANGUAGES = ("ar", "en", "zh")


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    given: tuple[str, ...]
    family: tuple[str, ...]


class Comments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    good: tuple[str, ...]
    mixed: tuple[str, ...]
    bad: tuple[str, ...]


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language. Subjects, openings, titles of articles and searches are by topic.

    `lost` are searches that find nothing.
    """

    auto_reply: str
    bot_answer: str
    call_note: str
    first_replies: tuple[str, ...]
    next_replies: tuple[str, ...]
    closings: tuple[str, ...]
    follow_ups: tuple[str, ...]
    reopenings: tuple[str, ...]
    lost: tuple[str, ...]
    subjects: dict[str, tuple[str, ...]]
    openings: dict[str, tuple[str, ...]]
    articles: dict[str, str]
    searches: dict[str, str]
    comments: Comments
    names: Names


@cache
def phrases(language: str) -> Phrases:
    source = files("csapi.connect.demo").joinpath(f"texts/{language}.toml")
    return msgspec.toml.decode(source.read_bytes(), type=Phrases)
