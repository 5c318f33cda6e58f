"""Quality reviews: what reviewers made of the work."""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import ReviewOutcome
from csapi.metrics.catalog.vocabulary import LOWER, counted, ratio, scored
from csapi.metrics.formulas import Facts, share

REVIEWS = Facts(Kind.QUALITY_REVIEW)

QUALITY_METRICS = (
    scored(
        "quality_score",
        "Quality score",
        REVIEWS,
        "The mean score of quality reviews, 0 to 1, by the instant of the review. A review's score "
        "is the mean of its applicable criteria by weight, or 0 where a criterion that fails the "
        "whole review was failed.",
        formula_text="sum of review scores / reviews with a score",
        example="Weights 3 and 1 with scores 1 and 0.5 give 0.875; a failed auto-fail criterion "
        "gives 0; the two reviews together 0.4375 with n = 2.",
        pitfalls="Each review counts once, however many criteria it has. A score is rounded once, "
        "to four decimals, halves up. Reviews to which no criterion applied have no score. By "
        "agent, few reviews say little: show it with n. `type` is the form: scores of different "
        "forms do not compare.",
    ),
    counted(
        "quality_reviews",
        "Quality reviews",
        REVIEWS,
        "Reviews by the instant of the review; by agent, those of the agent's work.",
    ),
    scored(
        "quality_criterion_score",
        "Quality score by criterion",
        Facts(Kind.QUALITY_CRITERION),
        "The mean score of criteria, 0 to 1. The dimension `topic` is the criterion.",
        formula_text="sum of criterion scores / applicable criteria",
        example="Tone scored 1 and 0.5 in two reviews and did not apply in a third: 0.75 with "
        "n = 2 for the topic tone.",
        pitfalls="Weights do not enter. Low for one agent is that agent's, low across a team is "
        "the system's. A failed criterion without a score counts 0.",
    ),
    ratio(
        "quality_auto_fail_rate",
        "Reviews failed outright",
        lambda _: share(
            Facts(Kind.QUALITY_REVIEW, (ReviewOutcome.AUTO_FAILED,)).count(), REVIEWS.count()
        ),
        "The share of reviews in which a criterion that fails the whole review was failed.",
        formula_text="reviews with a failed auto-fail criterion / reviews",
        example="2 of 50 reviews failed outright: 0.04.",
        direction=LOWER,
    ),
)
