"""What cannot be asked of the rows of an answer: their choice, their order, their layout."""

from csapi.metrics.question import Question, TimeGroup
from csapi.reports.ordering import Shape
from csapi.reports.ranking import ranks_members
from csapi.reports.refusals import refuse
from csapi.reports.schemas import Include, Query


def check_rows(query: Query, question: Question) -> None:
    names = [asked.name for asked in question.metrics]
    for place, test in enumerate(query.having):
        if test.by not in names:
            refuse(f"/having/{place}/by", "unknown_metric", "Not a metric of this query.", names)
    for place, order in enumerate(query.order_by):
        allowed = [*names, *query.dimensions]
        if order.by not in allowed:
            message = "Neither a metric nor a dimension of this query."
            refuse(f"/order_by/{place}/by", "invalid_value", message, allowed)
    check_top(query, question, names)
    check_shape(query, question)
    check_histograms(query, question)


def check_top(query: Query, question: Question, names: list[str]) -> None:
    if query.top is None:
        return
    if query.top.by not in names:
        refuse("/top/by", "unknown_metric", "Not a metric of this query.", names)
    by_time = not ranks_members(question) and any(
        isinstance(group, TimeGroup) for group in question.groups
    )
    if query.top.other and question.overlapping:
        message = f"Records can be in several rows of {question.overlapping[0]}: there is no other."
        refuse("/top/other", "not_supported", message)
    if query.top.other and by_time and question.is_at_instant:
        message = "What is of one time alone cannot be added up over time: ask without other."
        refuse("/top/other", "not_supported", message)


def check_shape(query: Query, question: Question) -> None:
    if query.shape is Shape.rows:
        return
    if query.cursor is not None:
        refuse("/cursor", "not_supported", "Only rows have pages.")
    if query.shape is Shape.matrix and len(question.groups) != 2:
        refuse("/dimensions", "not_supported", "A matrix has two dimensions.")
    if len(question.groups) > 1 and not ranks_members(question):
        for name, is_given in (("top", query.top is not None), ("having", bool(query.having))):
            if is_given:
                message = "It would leave holes: with several dimensions, one must be time."
                refuse(f"/{name}", "not_supported", message)


def check_histograms(query: Query, question: Question) -> None:
    if Include.histograms not in query.include:
        return
    if all(asked.formula.spread is None for asked in question.metrics):
        place = query.include.index(Include.histograms)
        message = "None of the metrics is a mean of durations."
        refuse(f"/include/{place}", "not_supported", message)
