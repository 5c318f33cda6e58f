"""Foreign text within a line: kept from changing the order of what is around it (UAX 9).

Names come from tenants. Marks in them that reorder text are taken out, and each piece is isolated,
so that neither a number nor a name runs into its neighbors where a line goes from right to left.
"""

import re
import unicodedata

LEFT_TO_RIGHT, FIRST_STRONG, POP = "\u2066", "\u2068", "\u2069"
# Marks, embeddings, overrides and isolates.
REORDERING = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
STRONG_RIGHT = {"R", "AL"}
KEPT = {"\u200c", "\u200d"}
NUMBER = re.compile(r"[+-]?\d[\d,.]*%?")


def plain(text: str) -> str:
    """Text in one line, without what cannot be seen: controls and marks that reorder."""
    kept = (
        " " if each in "\t\r\n\v\f\x85\u2028\u2029" else each
        for each in text.translate(REORDERING)
        if each in KEPT or each in "\t\r\n\v\f\x85\u2028\u2029" or not is_control(each)
    )
    return " ".join("".join(kept).split())


def is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def runs_right(text: str) -> bool:
    return any(unicodedata.bidirectional(each) in STRONG_RIGHT for each in text)


def isolated_name(text: str, *, right_to_left: bool) -> str:
    """A name, isolated where its direction may differ from that of the line."""
    name = plain(text)
    needs_it = right_to_left or runs_right(name)
    return f"{FIRST_STRONG}{name}{POP}" if needs_it else name


def isolated_figure(text: str, *, right_to_left: bool) -> str:
    """A number with its sign and unit. Beside a unit whose letters run to the left, each number
    stands for itself: its sign would come out on the other side."""
    if not right_to_left:
        return text
    if runs_right(text):
        apart = NUMBER.sub(lambda found: f"{LEFT_TO_RIGHT}{found[0]}{POP}", text)
        return f"{FIRST_STRONG}{apart}{POP}"
    return f"{LEFT_TO_RIGHT}{text}{POP}"
