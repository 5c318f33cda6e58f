"""What a model would read from words: a label and a score."""

import random

from csapi.connect.demo.people import Item

CLEAR = 0.25


def felt(mood: float, rng: random.Random) -> Item:
    """The fields of a message, call or feedback; `mood` is 0 where nothing stands out."""
    score = round(max(-1.0, min(1.0, 0.05 + mood + rng.gauss(0, 0.35))), 2)
    label = "positive" if score > CLEAR else "negative" if score < -CLEAR else "neutral"
    return {"sentiment_label": label, "sentiment_score": score}
