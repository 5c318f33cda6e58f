"""What papers and summaries say, in each language: a file for each, and nothing else knows words.

Plural categories are those of CLDR, by Babel: Arabic has six of them.
"""

import re
from collections.abc import Mapping

from babel import Locale

from csapi.kit.language import Language
from csapi.reports.papers.words import ar, en, zh_hans
from csapi.reports.papers.words.catalog import Catalog

CATALOGS: Mapping[Language, Catalog] = {
    Language.en: en.CATALOG,
    Language.ar: ar.CATALOG,
    Language.zh_hans: zh_hans.CATALOG,
}
RIGHT_TO_LEFT = {Language.ar}
PLACE = re.compile(r"\{([a-z_]+)\}")


def filled(pattern: str, pieces: Mapping[str, str]) -> str:
    """The pattern with its pieces. What stands in a piece is text, whatever it looks like."""
    return PLACE.sub(lambda found: pieces[found[1]], pattern)


class PaperWords:
    """Words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.catalog = CATALOGS[language]
        self.is_right_to_left = language in RIGHT_TO_LEFT
        self._plural = Locale.parse(language.value, sep="-").plural_form

    def term(self, name: str, **pieces: str) -> str:
        return filled(self.catalog.terms[name], pieces)

    def choice(self, vocabulary: str, value: str) -> str:
        """What a value is called; one that is newer than the words stands as it is."""
        return self.catalog.choices[vocabulary].get(value, value)

    def counted(self, noun: str, n: int, shown: str) -> str:
        """So many things: `shown` is the number as it is written."""
        patterns = self.catalog.nouns[noun]
        return filled(patterns.get(self._plural(n), patterns["other"]), {"n": shown})


ALL_PAPER_WORDS = {language: PaperWords(language) for language in Language}
