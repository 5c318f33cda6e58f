"""Metrics that mislead when they stand alone, and what belongs beside each.

A share of the satisfied says nothing about those who did not answer, nor about how much was done;
speed is easily bought with quality, and the other way round.
"""

from collections.abc import Mapping

ASKED = ("feedback_response_rate",)

PAIRS: Mapping[str, tuple[str, ...]] = {
    "csat_score": ("ticket_resolutions", "feedback_response_rate"),
    "csat_bottom_2_box": ("feedback_responses", "feedback_response_rate"),
    "rating_average": ("csat_responses", "feedback_response_rate"),
    "ces_score": ("ces_responses", *ASKED),
    "nps": ("nps_responses", *ASKED),
    "feedback_response_rate": ("feedback_requests",),
    "first_response_time": ("unanswered_tickets",),
    "first_response_within_rate": ("unanswered_tickets",),
    "response_time": ("unanswered_tickets",),
    "full_resolution_time": ("reopen_rate", "backlog_open"),
    "ticket_resolutions": ("tickets_created", "reopen_rate"),
    "tickets_closed": ("tickets_created",),
    "one_touch_rate": ("reopen_rate",),
    "average_handle_time": ("first_contact_resolution_rate", "csat_score"),
    "average_talk_time": ("first_contact_resolution_rate",),
    "average_speed_of_answer": ("abandonment_rate",),
    "service_level": ("abandonment_rate",),
    "abandonment_rate": ("average_speed_of_answer",),
    "resolution_rate": ("repeat_contact_rate",),
    "first_contact_resolution_rate": ("repeat_contact_rate",),
    "occupancy": ("adherence", "average_speed_of_answer"),
    "contacts_handled_per_hour": ("csat_score", "reopen_rate"),
    "bot_resolution_rate": ("bot_handoff_rate", "repeat_contact_rate"),
    "ivr_containment_rate": ("repeat_contact_rate",),
    "deflection_rate": ("search_to_ticket_rate",),
    "cost_per_contact": ("csat_score", "staff_cost_coverage_rate"),
    "quality_score": ("quality_reviews",),
    "sla_attainment_rate": ("sla_active",),
}
