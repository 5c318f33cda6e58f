"""Customers as a stock: how many there are, and how many stay. What makes somebody a customer is
the status that the source gives, never that they wrote to support."""

from csapi.facts.kinds import VALUE_SCALE, Kind
from csapi.facts.outcomes import CustomerOutcome
from csapi.metrics.catalog.vocabulary import COHORT, HIGHER, LOWER, NEUTRAL, OWNER, ratio
from csapi.metrics.formulas import Facts, Formula, share
from csapi.metrics.metric import Direction, MergeClass, Metric, TimeBasis, Unit

EVERYBODY = Facts(Kind.CUSTOMER)
ACTIVE = Facts(Kind.CUSTOMER, (CustomerOutcome.ACTIVE,))
OF_STATUS = (
    "Only customers whose source sends `statuses` are in it. A customer who left and came back "
    "within the range stayed. By segment: that at the start. Ranges do not add up: those who stay "
    "in each of two months need not be those who stay in both."
)


def stock(
    metric_id: str,
    label: str,
    facts: Facts,
    description: str,
    *,
    direction: Direction,
    example: str,
    pitfalls: str,
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="at the start + come - gone",
        unit=Unit.COUNT,
        direction=direction,
        time_basis=TimeBasis.state,
        merge_class=MergeClass.stock,
        attribution=OWNER,
        build=lambda _: Formula(
            numerator=facts.balance(),
            n=facts.balance(),
            numerator_scale=VALUE_SCALE,
            n_scale=VALUE_SCALE,
        ),
        example=example,
        pitfalls=pitfalls,
    )


CUSTOMER_METRICS = (
    stock(
        "customers_total",
        "Customers",
        EVERYBODY,
        "Customers that are known at the end of the bucket, whatever their status.",
        direction=NEUTRAL,
        example="Three were made in January and one in February: 3 at the end of January, 4 at "
        "the end of February. By `customer.registered`: 3 true and 1 false.",
        pitfalls="A customer is known since `created_at`, else since the first dated status; "
        "without either it is not counted. Merged ones are one. By type or registration: as they "
        "are now; by segment: as it was then.",
    ),
    stock(
        "customers_active",
        "Active customers",
        ACTIVE,
        "Customers whose status is active at the end of the bucket.",
        direction=HIGHER,
        example="Of three active ones one churns on 10 February and one is won on the 20th: 3 at "
        "the end of January, 3 at the end of February.",
        pitfalls="Active by the status that the source sends, not by turning to support.",
    ),
    ratio(
        "customer_retention_rate",
        "Customer retention",
        lambda _: share(ACTIVE.stayed(), ACTIVE.started()),
        "Of the customers who were active at the start of the bucket, the share that still is at "
        "its end.",
        formula_text="active at the start and at the end / active at the start",
        example="Three are active when February starts, one of them churns on the 10th, another "
        "one is won on the 20th: 2 / 3. The new one is on neither side.",
        direction=HIGHER,
        basis=COHORT,
        attribution=OWNER,
        pitfalls=OF_STATUS,
    ),
    ratio(
        "churn_rate",
        "Churn",
        lambda _: share(ACTIVE.started() - ACTIVE.stayed(), ACTIVE.started()),
        "Of the customers who were active at the start of the bucket, the share that no longer is "
        "at its end: 1 - retention.",
        formula_text="active at the start and not at the end / active at the start",
        example="Three are active when February starts and one of them churns on the 10th: 1 / 3.",
        direction=LOWER,
        basis=COHORT,
        attribution=OWNER,
        pitfalls=OF_STATUS,
    ),
)
