"""What customers turn to us about, and how that shifts over the days."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from csapi.connect.demo.span import Span

NEW_TOPIC = "customs_fee"
GROWING_TOPIC = "delivery_delay"
DYING_TOPIC = "store_pickup"
OUTAGE_TOPIC = "payment_failed"
NEW_FOR_DAYS = 6

PRODUCTS = ("phone", "laptop", "tablet", "router", "watch", "headphones", "monitor")
PRIORITIES = {"low": 18, "normal": 62, "high": 16, "urgent": 4}


@dataclass(frozen=True, slots=True)
class Topic:
    """`types` by weight; `mood` shifts ratings."""

    key: str
    team: str
    weight: float
    types: Mapping[str, float]
    mood: float = 0.0


QUESTION = {"question": 8.0, "problem": 1.0, "request": 1.0}
PROBLEM = {"problem": 7.0, "complaint": 2.0, "question": 1.0}
REQUEST = {"request": 7.0, "question": 2.0, "complaint": 1.0}
COMPLAINT = {"complaint": 6.0, "problem": 3.0, "request": 1.0}

TOPICS = (
    Topic("order_status", "frontline", 14, QUESTION, 0.1),
    Topic(GROWING_TOPIC, "frontline", 10, COMPLAINT, -0.3),
    Topic("refund", "billing", 12, REQUEST, -0.1),
    Topic("invoice", "billing", 7, REQUEST),
    Topic(OUTAGE_TOPIC, "billing", 5, PROBLEM, -0.2),
    Topic("login", "technical", 8, PROBLEM),
    Topic("setup", "technical", 8, QUESTION, 0.1),
    Topic("warranty", "technical", 7, REQUEST),
    Topic("damaged_item", "frontline", 7, COMPLAINT, -0.2),
    Topic("product_question", "frontline", 9, QUESTION, 0.3),
    Topic(DYING_TOPIC, "frontline", 9, REQUEST),
    Topic(NEW_TOPIC, "billing", 11, COMPLAINT, -0.7),
)
BY_KEY = {topic.key: topic for topic in TOPICS}


def weight_on(topic: Topic, span: Span, day: date) -> float:
    if topic.key == NEW_TOPIC:
        return topic.weight if span.days_ago(day) <= NEW_FOR_DAYS else 0.0
    if topic.key == OUTAGE_TOPIC and day == span.outage:
        return topic.weight * 18
    if topic.key == GROWING_TOPIC:
        return topic.weight * (0.4 + 1.8 * span.progress(day) ** 2)
    if topic.key == DYING_TOPIC:
        return topic.weight * max(0.0, 1.6 - 1.9 * span.progress(day))
    return topic.weight


def topics_on(span: Span, day: date) -> list[float]:
    """The weights of TOPICS on a day."""
    return [weight_on(topic, span, day) for topic in TOPICS]


def pick(weights: Mapping[str, float], rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
