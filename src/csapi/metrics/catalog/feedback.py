"""Feedback: what was asked, and what came back."""

from dataclasses import replace

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import Box, CommentOutcome, RequestOutcome, SentimentLabel
from csapi.facts.wire import Sentiment
from csapi.metrics.catalog.vocabulary import (
    COHORT,
    EVENT,
    HIGHER,
    LOWER,
    NEUTRAL,
    OWNER,
    STAYS_OPEN,
    SURVEY,
    Params,
    counted,
    ratio,
    scored,
)
from csapi.metrics.formulas import Facts, Formula, mean_value, net_points, share
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, Unit

SCALE = Param(
    "scale",
    ParamType.choice,
    "own",
    "The survey's own scale; or `normalized`, on which its lowest rating is 0 and its highest 1.",
    choices=("own", "normalized"),
)
CSAT, CES, NPS, FCR = (Facts(kind) for kind in (Kind.CSAT, Kind.CES, Kind.NPS, Kind.FCR))
LABELLED = Facts(
    Kind.SENTIMENT,
    (SentimentLabel.NEGATIVE, SentimentLabel.NEUTRAL, SentimentLabel.POSITIVE),
)


def rating_average(params: Params) -> Formula:
    if params[SCALE.name] == "own":
        return replace(mean_value(CSAT), values_on="own", one_scale=CSAT)
    return replace(mean_value(Facts(Kind.RATING_NORMALIZED)), values_on="normalized")


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
        description="The mean satisfaction rating, on the survey's own scale or from 0 to 1.",
        formula_text="sum of ratings / ratings",
        unit=Unit.SCORE,
        direction=HIGHER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=SURVEY,
        build=rating_average,
        example="Ratings of 5, 4 and 3 give 4; normalized 0.75. A 4 of 1 to 5 and a 4 of 1 to 10: "
        "normalized 0.75 and 0.3333, together 0.5417.",
        pitfalls="Null (`mixed_scales`) where ratings are on several scales, which have no mean as "
        "they are: filter them apart, or ask for `normalized`. A normalized rating is rounded to "
        "four decimals.",
        params=(SCALE,),
    ),
    counted(
        "rating_distribution",
        "Ratings",
        CSAT,
        "How many satisfaction ratings there are; with the dimension `rating`, how many of each.",
        attribution=SURVEY,
        by_rating=True,
    ),
    scored(
        "ces_score",
        "Customer effort score",
        CES,
        "The mean effort rating on the survey's own scale, 1 to 7 unless the feedback says "
        "otherwise.",
        formula_text="sum of effort ratings / effort ratings",
        example="Ratings of 7, 6 and 2 give 5.",
        attribution=SURVEY,
        pitfalls="Null (`mixed_scales`) where ratings are on several scales: filter them apart. "
        "Higher is better where the survey asks how easy it was. One that asks how much "
        "effort it took runs the other way: never average the two together.",
        on_one_scale=True,
    ),
    ratio(
        "ces_top_box_rate",
        "Easy (top-2-box of effort)",
        lambda _: share(Facts(Kind.CES, (Box.POSITIVE,)).count(), CES.count()),
        "Effort ratings in the top two boxes (6 and 7 of 7) among all effort ratings.",
        formula_text="effort ratings in the top two boxes / effort ratings",
        example="Ratings of 7, 6 and 2 give 2 / 3.",
        attribution=SURVEY,
        pitfalls="Where a low rating is the good end, send `positive_values`.",
    ),
    Metric(
        id="nps",
        label="Net promoter score",
        description="Promoters (9 and 10) less detractors (0 to 6), per hundred answers.",
        formula_text="100 x (promoters - detractors) / answers",
        unit=Unit.POINTS,
        direction=HIGHER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=SURVEY,
        build=lambda _: net_points(
            Facts(Kind.NPS, (Box.POSITIVE,)).count(),
            Facts(Kind.NPS, (Box.NEGATIVE,)).count(),
            NPS.count(),
        ),
        example="6 promoters, 2 passives and 2 detractors give 40.",
        pitfalls="Between -100 and 100, not a share: the numerator counts 100 for a promoter and "
        "-100 for a detractor. A rating of zero is a detractor. The margin of error is wide: show "
        "it with n.",
    ),
    counted(
        "csat_responses",
        "Satisfaction responses",
        CSAT,
        "Answers to satisfaction surveys.",
        direction=HIGHER,
        attribution=SURVEY,
    ),
    counted(
        "ces_responses",
        "Effort responses",
        CES,
        "Answers to effort surveys.",
        direction=HIGHER,
        attribution=SURVEY,
    ),
    counted(
        "nps_responses",
        "Net promoter responses",
        NPS,
        "Answers to net promoter surveys.",
        direction=HIGHER,
        attribution=SURVEY,
    ),
    ratio(
        "comment_rate",
        "Feedback with a comment",
        lambda _: share(
            Facts(Kind.FEEDBACK_COMMENT, (CommentOutcome.GIVEN,)).count(),
            Facts(Kind.FEEDBACK_COMMENT).count(),
        ),
        "The share of feedback, of any survey, that came with words.",
        formula_text="feedback with a comment / feedback",
        example="Of 20 ratings 5 have a comment: 0.25.",
        attribution=SURVEY,
        pitfalls="A comment of blanks alone is none.",
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
        "feedback_requests_created",
        "Feedback requests created",
        Facts(Kind.FEEDBACK_REQUEST_CREATED),
        "Requests for feedback by the instant at which they were created.",
        attribution=SURVEY,
        pitfalls="A request without `created_at` was created when it was sent.",
    ),
    counted(
        "feedback_requests_sent",
        "Feedback requests sent",
        Facts(Kind.FEEDBACK_REQUEST),
        "Requests for feedback by the instant at which they were sent; the same number as "
        "`feedback_requests`.",
        attribution=SURVEY,
    ),
    counted(
        "feedback_requests_delivered",
        "Feedback requests delivered",
        Facts(Kind.FEEDBACK_REQUEST_DELIVERED),
        "Requests for feedback by the instant at which they arrived.",
        direction=HIGHER,
        attribution=SURVEY,
        pitfalls="A source that sends no `delivered_at` has none. Created, sent and delivered are "
        "three series, each by its own instant: within a short range one may exceed another.",
    ),
    counted(
        "feedback_responses",
        "Feedback responses",
        CSAT,
        "Answers to surveys of any kind, by the instant of the answer.",
        direction=HIGHER,
        attribution=SURVEY,
        more=(CES, NPS, FCR),
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
        stays_open=STAYS_OPEN,
    ),
    ratio(
        "sentiment_share",
        "Share of a sentiment",
        lambda params: share(
            Facts(Kind.SENTIMENT, (SentimentLabel[params["label"].upper()],)).count(),
            LABELLED.count(),
        ),
        "The share of labelled messages, calls and feedback that the source's model gave `label`.",
        formula_text="items with the label / items with any label",
        example="4 negative, 10 neutral and 6 positive: 0.2 with the label negative.",
        direction=NEUTRAL,
        attribution=OWNER,
        params=(
            Param(
                "label",
                ParamType.choice,
                Sentiment.negative.value,
                "Which label.",
                choices=tuple(each.value for each in Sentiment),
            ),
        ),
        pitfalls="Labels of different models do not compare: declare the model as a custom "
        "attribute and filter by it. Every message counts, so long conversations weigh more. What "
        "a customer wrote is its owner's then, what an agent wrote that agent's.",
    ),
    scored(
        "sentiment_average",
        "Average sentiment",
        Facts(Kind.SENTIMENT),
        "The mean sentiment score of messages, calls and feedback, from -1 to 1.",
        formula_text="sum of sentiment scores / sentiment scores",
        example="Scores of 0.5 and -0.25 give 0.125.",
        attribution=OWNER,
        pitfalls="Scores of different models do not compare. Items with a label and no score are "
        "left out.",
    ),
)
