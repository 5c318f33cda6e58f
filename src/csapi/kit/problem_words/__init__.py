"""What went wrong, in the reader's language: a sentence for each code, and beside it the detail in
English, which alone knows names and numbers. Title, code and pointers are the same for everybody.
"""

from collections.abc import Mapping

from csapi.kit.language import Language
from csapi.kit.problem_words.ar import AR
from csapi.kit.problem_words.zh_hans import ZH_HANS

SENTENCES: Mapping[Language, Mapping[str, str]] = {Language.ar: AR, Language.zh_hans: ZH_HANS}
# So that English within Arabic keeps its own direction, whatever it begins with.
FIRST_STRONG, POP = "\u2068", "\u2069"


def said(language: Language, code: str, english: str) -> str:
    """The detail of a problem, or the message of one of its places, for a reader of `language`."""
    sentence = SENTENCES.get(language, {}).get(code)
    return english if sentence is None else f"{sentence} ({FIRST_STRONG}{english}{POP})"
