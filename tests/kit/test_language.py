"""Which language a reader is answered in."""

import pytest

from csapi.kit.language import Language, language_of, spoken


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ar", "ar"),
        ("ar-SA", "ar"),
        ("AR-eg, en;q=0.5", "ar"),
        ("en-GB,ar;q=0.9", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("fr, de;q=0.9, zh-TW;q=0.1", "zh-Hans"),
        ("fr, de", "en"),
        ("ar;q=0.2, zh;q=0.8", "zh-Hans"),
        ("ar;q=0", "en"),
        ("en;q=0, *", "ar"),
        ("*", "en"),
        ("*;q=0.1, zh;q=0.05", "en"),
        ("ar;q=x, zh;q=0.1", "zh-Hans"),
        ("ar;level=1, zh", "zh-Hans"),
        (";;,,=", "en"),
        ("ar;q=2", "en"),
        ("ar;q=nan", "en"),
        ("arabic", "en"),
        ("x" * 5_000, "en"),
    ],
)
def test_the_language_that_is_wanted_most(accept: str | None, language: str) -> None:
    assert language_of(accept) == Language(language)


def test_headers() -> None:
    assert spoken(Language.ar, "Accept") == {
        "content-language": "ar",
        "vary": "Accept, Accept-Language",
    }
