"""What the audit log tells of."""

from enum import StrEnum


class AuditAction(StrEnum):
    """An act. New ones may be added."""

    tenant_created = "tenant.created"
    quota_changed = "quota.changed"
    member_changed = "member.changed"
    member_removed = "member.removed"
    invitation_created = "invitation.created"
    invitation_withdrawn = "invitation.withdrawn"
    password_reset_created = "password_reset.created"  # noqa: S105  a word of ours
    key_created = "key.created"
    key_rotated = "key.rotated"
    key_revoked = "key.revoked"
    key_refused = "key.refused"
    portal_token_created = "portal_token.created"  # noqa: S105  a word of ours
    portal_token_revoked = "portal_token.revoked"  # noqa: S105  a word of ours
    browser_origins_changed = "browser_origins.changed"
    custom_attribute_declared = "custom_attribute.declared"
    schedule_recomputed = "schedule.recomputed"
    sla_policy_recomputed = "sla_policy.recomputed"
    customers_merged = "customers.merged"
    metric_setting_changed = "metric_setting.changed"
    privacy_changed = "privacy.changed"
    retention_changed = "retention.changed"
    weights_changed = "weights.changed"
    saved_query_changed = "saved_query.changed"
    saved_query_deleted = "saved_query.deleted"
    custom_metric_changed = "custom_metric.changed"
    custom_metric_deleted = "custom_metric.deleted"
    export_created = "export.created"
    export_downloaded = "export.downloaded"
    export_deleted = "export.deleted"
    report_created = "report.created"
    report_changed = "report.changed"
    report_deleted = "report.deleted"
    report_run_created = "report_run.created"
    report_run_deleted = "report_run.deleted"
    goal_created = "goal.created"
    goal_changed = "goal.changed"
    goal_deleted = "goal.deleted"
    alert_created = "alert.created"
    alert_changed = "alert.changed"
    alert_looked_at = "alert.looked_at"
    alert_deleted = "alert.deleted"
    alert_event_changed = "alert_event.changed"
    action_plan_created = "action_plan.created"
    action_plan_changed = "action_plan.changed"
    action_plan_deleted = "action_plan.deleted"
    suggestion_changed = "suggestion.changed"
    suggestion_planned = "suggestion.planned"
    suggestion_deleted = "suggestion.deleted"
    self_evaluation_answered = "self_evaluation.answered"
    self_evaluation_deleted = "self_evaluation.deleted"
    referral_created = "referral.created"
    referral_changed = "referral.changed"
    webhook_created = "webhook.created"
    webhook_changed = "webhook.changed"
    webhook_deleted = "webhook.deleted"
    webhook_secret_rotated = "webhook.secret_rotated"  # noqa: S105  a word of ours
    webhook_tested = "webhook.tested"
    webhook_replayed = "webhook.replayed"


class ActorKind(StrEnum):
    """Who acted. `member`: somebody who had signed in, by the id of the person. `holder`: whoever
    held the token or the link itself. `operator`: somebody with the command line."""

    key = "key"
    member = "member"
    portal_token = "portal_token"  # noqa: S105  a word of ours
    holder = "holder"
    operator = "operator"
