"""Sentiment: what a source's own model made of a message, a call or feedback."""

from csapi.facts.outcomes import SentimentLabel
from csapi.facts.resource import Column
from csapi.facts.wire import Sentiment
from csapi.kit.quantities import ten_thousandths

LABELS = {
    Sentiment.positive: SentimentLabel.POSITIVE,
    Sentiment.neutral: SentimentLabel.NEUTRAL,
    Sentiment.negative: SentimentLabel.NEGATIVE,
}
SENTIMENT_COLUMNS = (Column("sentiment", "smallint"), Column("sentiment_score", "bigint"))


def sentiment_values(label: Sentiment | None, score: float | None) -> tuple[int | None, int | None]:
    """The values of SENTIMENT_COLUMNS; both null where nothing was said."""
    if label is None and score is None:
        return None, None
    return (
        int(SentimentLabel.UNLABELLED if label is None else LABELS[label]),
        None if score is None else ten_thousandths(score),
    )
