"""Forms: what people sent in through a form, on the web or in an app."""

from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.self_service_tables import forms
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime


class Form(Record):
    """A form that was sent in. `form` is its name, which the dimension `type` groups by."""

    submitted_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    form: Key | None = None
    customer: Key | None = None
    ticket: Key | None = None
    channel: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def form_row(form: Form, lookup: Lookup) -> tuple[object, ...]:
    return (
        form.submitted_at,
        lookup.label(Dimension.TYPE, form.form),
        lookup.label(Dimension.CHANNEL, form.channel),
        lookup.customer(form.source, form.customer),
        form.ticket,
        *lookup.custom(form.custom),
    )


FORM_EVENTS = f"""
  SELECT {Kind.FORM}, 0, 0, c.submitted_at, NULL::int, NULL::int, NULL::bigint, NULL::bigint,
    NULL::bigint, true"""

FORMS = RecordKind(
    name="forms",
    table=forms.name,
    resource=Resource.FORM,
    item=Form,
    columns=(
        Column("submitted_at", "timestamptz"),
        Column("type", "integer"),
        Column("channel", "integer"),
        Column("customer", "bigint"),
        Column("ticket", "text", link="tickets"),
        *attribute_columns(),
    ),
    row=form_row,
    instants=("submitted_at",),
    people="SELECT customer FROM forms WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
    derivation=fact_select(
        resource=Resource.FORM,
        source=f"forms c {lateral(FORM_EVENTS)}",
        dimensions={
            "type": "c.type",
            "channel": "c.channel",
            "customer": "c.customer",
            **{name: f"c.{name}" for name in ATTRIBUTES},
        },
    ),
)
