"""What the migrated database must look like. A change here is a change of who may see what."""

POLICY = "(tenant_id = (current_setting('csapi.tenant_id'::text))::uuid)"

API, WORKER, OWNER = "csapi_api", "csapi_worker", "csapi_owner"

WITHOUT_TENANT = {"alembic_version"}

# table -> policy -> (roles, command, USING, WITH CHECK); every tenant table also has TENANT_POLICY.
TENANT_POLICY = ((API, WORKER), "ALL", POLICY, POLICY)
SWEEP_POLICY = ((WORKER,), "SELECT", "true", None)
FIND_KEY_POLICY = ((OWNER,), "SELECT", "true", None)
FURTHER_POLICIES = {
    "marks": {"sweep": SWEEP_POLICY},
    "subject_marks": {"sweep": SWEEP_POLICY},
    "reference_marks": {"sweep": SWEEP_POLICY},
    "tenants": {"sweep": SWEEP_POLICY, "find_key": FIND_KEY_POLICY},
    "definitions": {"sweep": SWEEP_POLICY},
    "api_keys": {"find_key": FIND_KEY_POLICY},
    "portal_tokens": {"find_key": FIND_KEY_POLICY},
    "export_marks": {"sweep": SWEEP_POLICY},
    "report_marks": {"sweep": SWEEP_POLICY},
}

# What the worker sees of all tenants must never hold more than this.
SWEPT_COLUMNS = {
    "marks": {"tenant_id", "grain", "bucket", "marked_at", "reason"},
    "subject_marks": {"tenant_id", "resource", "subject", "marked_at"},
    "reference_marks": {"tenant_id", "id", "reference", "member", "marked_at"},
    "tenants": {"tenant_id", "name", "timezone", "created_at"},
    "definitions": {"tenant_id", "resource", "fingerprint", "target", "reached"},
    "export_marks": {"tenant_id", "export", "due_at"},
    "report_marks": {"tenant_id", "report", "turn", "due_at", "attempt"},
}

# A key or a token arrives before anybody knows whose it is.
WITHOUT_LEADING_TENANT = {"api_keys_key_id_idx", "portal_tokens_token_id_idx"}

SECURITY_DEFINERS = {
    "find_api_key(text)": {OWNER, API},
    "find_portal_token(text)": {OWNER, API},
}

READ, ADD, EDIT, ALL = "r", "ar", "arw", "adrw"  # in the letters of PostgreSQL's own lists

GRANTS = {
    API: {
        "agent_teams": ALL,
        "agents": EDIT,
        "annotations": EDIT,
        "channels": EDIT,
        "cost_book": EDIT,
        "cost_rates": "adr",
        "inboxes": EDIT,
        "queues": EDIT,
        "ticket_types": EDIT,
        "topics": EDIT,
        "alembic_version": READ,
        "api_keys": EDIT,
        "browser_origins": "adr",
        "business_intervals": "adr",
        "calls": EDIT,
        "custom_attributes": ADD,
        "custom_metrics": ALL,
        "customer_merges": EDIT,
        "customers": EDIT,
        "definitions": READ,
        "driver_referrals": EDIT,
        "export_chunks": "dr",
        "export_marks": "adr",
        "exports": "adr",
        "facts": ALL,
        "feedback": EDIT,
        "feedback_requests": EDIT,
        "forms": EDIT,
        "kb_articles": EDIT,
        "kb_events": EDIT,
        "live_tickets": "adr",
        "marks": ADD,
        "members": ADD,
        "metric_settings": EDIT,
        "portal_tokens": "adr",
        "privacy_settings": EDIT,
        "quality_reviews": EDIT,
        "presence": EDIT,
        "reference_marks": ADD,
        "report_marks": ALL,
        "report_runs": "adr",
        "reports": ALL,
        "rollup_buckets": READ,
        "saved_queries": ALL,
        "shifts": EDIT,
        "self_evaluations": ALL,
        "sessions": EDIT,
        "schedule_periods": "adr",
        "schedules": EDIT,
        "sla_policies": EDIT,
        "sla_targets": "adr",
        "subject_marks": ADD,
        "summaries": READ,
        "tasks": EDIT,
        "teams": EDIT,
        "tenants": ADD,
        "ticket_events": ADD,
        "tickets": EDIT,
        "work_sessions": EDIT,
    },
    WORKER: {
        "agent_teams": READ,
        "agents": "rw",
        "annotations": READ,
        "channels": READ,
        "cost_book": "rw",
        "cost_rates": READ,
        "inboxes": READ,
        "queues": READ,
        "ticket_types": READ,
        "topics": READ,
        "alembic_version": READ,
        "business_intervals": "adr",
        "calls": "rw",
        "custom_attributes": READ,
        "custom_metrics": READ,
        "customer_merges": READ,
        "customers": "rw",
        "definitions": EDIT,
        "export_chunks": "adr",
        "export_marks": "drw",
        "exports": "drw",
        "facts": ALL,
        "feedback": "rw",
        "feedback_requests": "rw",
        "forms": "rw",
        "kb_articles": READ,
        "kb_events": "rw",
        "marks": ALL,
        "members": ADD,
        "metric_settings": READ,
        "privacy_settings": READ,
        "quality_reviews": "rw",
        "presence": "rw",
        "reference_marks": ALL,
        "report_marks": "rw",
        "report_runs": "adr",
        "reports": READ,
        "rollup_buckets": ALL,
        "shifts": "rw",
        "sessions": "rw",
        "schedule_periods": "adr",
        "schedules": "rw",
        "sla_policies": READ,
        "sla_targets": READ,
        "subject_marks": ALL,
        "summaries": ALL,
        "tasks": "rw",
        "teams": READ,
        "tenants": READ,
        "ticket_events": "rw",
        "tickets": "rw",
        "work_sessions": "rw",
    },
}
SEQUENCE_GRANTS = {API: "U", WORKER: "U"}
