"""Alembic entry. csapi.kit.migrate hands over a connection that already acts as csapi_owner."""

from alembic import context

import csapi.access.audit_tables
import csapi.access.outbox_tables
import csapi.access.people.tables
import csapi.access.providers.tables
import csapi.access.tables
import csapi.facts.cost_tables
import csapi.facts.customer_tables
import csapi.facts.erasure_tables
import csapi.facts.reference_tables
import csapi.facts.retention_tables
import csapi.facts.schedule_tables
import csapi.facts.self_service_tables
import csapi.facts.sla_tables
import csapi.facts.tables
import csapi.facts.trust_tables
import csapi.facts.work_tables
import csapi.metrics.tables
import csapi.reports.tables
from csapi.kit.tables import metadata

assert csapi.access.audit_tables
assert csapi.access.outbox_tables
assert csapi.access.providers.tables
assert csapi.access.tables
assert csapi.facts.self_service_tables
assert csapi.facts.schedule_tables
assert csapi.facts.reference_tables
assert csapi.facts.cost_tables
assert csapi.facts.customer_tables
assert csapi.facts.erasure_tables
assert csapi.facts.sla_tables
assert csapi.facts.tables
assert csapi.facts.retention_tables
assert csapi.facts.trust_tables
assert csapi.facts.work_tables
assert csapi.metrics.tables
assert csapi.reports.tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
