"""The facts of quality reviews and tasks in plain Python."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.delivery.model import CONTEXT, Fact, Item, World, at, first, scaled, timed

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CriterionOutcome, DeadlineOutcome, HoldingOutcome, ReviewOutcome

Facts = dict[tuple[Kind, int], Fact]


def review_facts(world: World, review: Item) -> Facts:
    criteria = review["criteria"]
    counted = [each for each in criteria if mark(each) is not None]
    whole = Fact(at(review, "reviewed_at"), actor_agent=review["agent"])
    whole = replace(whole, actor_team=review.get("team"))
    outcome, value = ReviewOutcome.NOT_SCORED, None
    if counted:
        weights = sum(Decimal(str(each["weight"])) for each in counted)
        total = sum(Decimal(str(each["weight"])) * Decimal(str(mark(each))) for each in counted)
        outcome, value = ReviewOutcome.SCORED, scaled(total / weights)
    if any(each["is_auto_fail"] and each["has_failed"] for each in criteria):
        outcome, value = ReviewOutcome.AUTO_FAILED, 0
    facts = {(Kind.QUALITY_REVIEW, 0): placed(world, review, whole, "form", outcome, value)}
    for number, each in enumerate(criteria, start=1):
        ending = CriterionOutcome.MET
        if mark(each) is None:
            ending = CriterionOutcome.NOT_APPLICABLE
        if each["has_failed"]:
            ending = CriterionOutcome.FAILED
        fact = placed(world, review, whole, "form", ending, scaled(mark(each)))
        context = tuple(
            each["criterion"] if name == "topic" else value
            for name, value in zip(CONTEXT, fact.context, strict=True)
        )
        facts[Kind.QUALITY_CRITERION, number] = replace(fact, context=context)
    return facts


def mark(criterion: Item) -> float | None:
    score: float | None = criterion.get("score")
    return 0 if score is None and criterion["has_failed"] else score


def task_facts(world: World, task: Item) -> Facts:
    turns = sorted(task.get("assignments") or [], key=lambda turn: at(turn, "at"))
    if not turns and task.get("assignee") and task.get("assigned_at"):
        turns = [{"agent": task["assignee"], "at": task["assigned_at"]}]
    completed, due = at(task, "completed_at"), at(task, "due_at")
    winner = None
    if completed and turns:
        winner = next((t for t in reversed(turns) if at(t, "at") <= completed), turns[0])
    facts: Facts = {}
    number = 0
    for turn, following in zip(turns, [*turns[1:], None], strict=False):
        if not turn.get("agent"):
            continue
        number += 1
        outcome = HoldingOutcome.HANDED_ON if following else HoldingOutcome.OPEN
        if turn is winner:
            outcome = HoldingOutcome.COMPLETED
        team = None if following else task.get("team")
        fact = Fact(at(turn, "at"), actor_agent=turn["agent"], actor_team=team)
        facts[Kind.TASK_ASSIGNED, number] = placed(world, task, fact, "kind", outcome)
    if completed:
        holder = winner or {"agent": None if turns else task.get("assignee")}
        team = task.get("team") if winner is None or winner is turns[-1] else None
        fact = Fact(completed, actor_agent=holder.get("agent"), actor_team=team)
        if winner and winner.get("agent"):
            fact = timed(fact, completed - at(winner, "at"))
        lateness = DeadlineOutcome.NO_DEADLINE
        if due:
            lateness = DeadlineOutcome.OVERDUE if completed > due else DeadlineOutcome.IN_TIME
        facts[Kind.TASK_COMPLETED, 0] = placed(world, task, fact, "kind", lateness)
    return facts


def placed(
    world: World, item: Item, fact: Fact, type_field: str, outcome: int, value: Any = None
) -> Fact:
    team = first(fact.actor_team, world.team(fact.actor_agent, fact.at))
    values = {
        "channel": item.get("channel"),
        "type": item.get(type_field),
        "attr1": world.custom(item),
    }
    return replace(
        fact,
        outcome=outcome,
        value=value,
        actor_team=team,
        owner_agent=fact.actor_agent,
        owner_team=team,
        context=tuple(values.get(name) for name in CONTEXT),
    )
