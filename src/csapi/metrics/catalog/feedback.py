"""Feedback: what was asked, and what came back."""

from csapi.facts.kinds import Box, Kind, RequestOutcome
from csapi.metrics.catalog.vocabulary import COHORT, EVENT, HIGHER, LOWER, SURVEY, counted, ratio
from csapi.metrics.formulas import Facts, MergeClass, Metric, Unit, mean_value, share

CSAT = Facts(Kind.CSAT)


FEEDBACK_METRICS = (
    ratio(
        "csat_score",
        "CSAT",
        lambda _: share(Facts(Kind.CSAT, (Box.POSITIVE,)).count(), CSAT.count()),
        "Satisfied ratings (top-2-box: 4 and 5 of 5) among all satisfaction ratings.",
        formula_text="ratings in the top two boxes / ratings",
        example="18 ratings of 4 or 5 among 21 give 0.857.",
        attribution=SURVEY,
        pitfalls="Read it with the response rate and the number of contacts handled.",
    ),
    ratio(
        "csat_bottom_2_box",
        "Dissatisfied ratings",
        lambda _: share(Facts(Kind.CSAT, (Box.NEGATIVE,)).count(), CSAT.count()),
        "Dissatisfied ratings (bottom-2-box: 1 and 2 of 5) among all satisfaction ratings.",
        formula_text="ratings in the bottom two boxes / ratings",
        example="2 ratings of 1 or 2 among 21 give 0.095.",
        direction=LOWER,
        attribution=SURVEY,
    ),
    Metric(
        id="rating_average",
        label="Average rating",
        description="The mean satisfaction rating on the survey's own scale.",
        formula_text="sum of ratings / ratings",
        unit=Unit.SCORE,
        direction=HIGHER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=SURVEY,
        build=lambda _: mean_value(CSAT),
        example="Ratings of 5, 4 and 3 give 4.",
        pitfalls="Surveys on different scales must not be averaged together: filter them apart.",
    ),
    counted(
        "rating_distribution",
        "Ratings",
        CSAT,
        "How many satisfaction ratings there are; with the dimension `rating`, how many of each.",
        attribution=SURVEY,
        by_rating=True,
    ),
    counted(
        "feedback_requests",
        "Feedback requests",
        Facts(Kind.FEEDBACK_REQUEST),
        "Requests for feedback by the instant at which they were sent.",
        basis=COHORT,
        attribution=SURVEY,
    ),
    counted(
        "feedback_responses",
        "Feedback responses",
        CSAT,
        "Answers to surveys of any kind, by the instant of the answer.",
        direction=HIGHER,
        attribution=SURVEY,
        more=(Facts(Kind.CES), Facts(Kind.NPS)),
    ),
    ratio(
        "feedback_response_rate",
        "Feedback response rate",
        lambda _: share(
            Facts(Kind.FEEDBACK_REQUEST, (RequestOutcome.ANSWERED,)).count(),
            Facts(Kind.FEEDBACK_REQUEST).count(),
        ),
        "Requests that were answered among those sent, in the bucket of the request.",
        formula_text="requests answered so far / requests sent",
        example="Of 40 requests sent in January, 10 answered by now: 0.25, also if the answers "
        "came in February.",
        basis=COHORT,
        attribution=SURVEY,
        pitfalls="Recent requests may still be answered.",
    ),
)
