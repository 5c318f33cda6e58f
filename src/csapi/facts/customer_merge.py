"""Merges: what two sources, or one, took for two customers is one."""

import msgspec

from csapi.facts.customer_tables import customer_merges
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind
from csapi.facts.wire import Custom, Key, normalized
from csapi.kit.quantities import UtcDatetime


class CustomerMerge(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The customer `from` is the customer `into`, of the same source unless `into_source` names
    another. Each customer has one merge at most: a newer one replaces it, and `deleted` undoes it.
    """

    source: Key
    from_: Key = msgspec.field(name="from")
    into: Key
    source_updated_at: UtcDatetime | None = None
    into_source: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def check_into(merge: CustomerMerge) -> tuple[str, str, str] | None:
    into = normalized(merge.into_source or merge.source), normalized(merge.into)
    if into == (normalized(merge.source), normalized(merge.from_)):
        return "/into", "invalid_value", "A customer cannot be merged into itself."
    return None


def merge_row(merge: CustomerMerge, lookup: Lookup) -> tuple[object, ...]:
    return (
        lookup.customer(merge.source, merge.from_),
        lookup.customer(merge.into_source or merge.source, merge.into),
    )


CUSTOMER_MERGES = RecordKind(
    name="customers/merge",
    table=customer_merges.name,
    item=CustomerMerge,
    columns=(Column("from_customer", "bigint"), Column("into_customer", "bigint")),
    row=merge_row,
    instants=(),
    checks=(check_into,),
    name_field="from_",
    returning=("new.from_customer AS from_customer",),
)
