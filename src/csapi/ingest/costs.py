"""The cost book has one currency: an entry in another is refused by name."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from csapi.facts.cost_entry import COST_BOOK
from csapi.facts.costs import other_currency
from csapi.facts.resource import RecordKind
from csapi.ingest.items import Draft
from csapi.kit.problems import FieldError


async def refusals(
    connection: asyncpg.Connection, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft]
) -> dict[int, FieldError]:
    """What is wrong with drafts beside what is stored, by their index. The caller holds the
    tenant's exclusive lock. Pointers are those inside the item."""
    if kind is not COST_BOOK:
        return {}
    in_order = sorted(drafts, key=lambda draft: draft.index)
    live = [(draft.index, draft.item.currency) for draft in in_order if not draft.item.deleted]
    refused = await other_currency(connection, tenant_id, live)
    return {
        index: FieldError(
            "/currency",
            "currency_mismatch",
            f"The cost book is in {known}. To change that, delete all its entries first.",
            [known],
        )
        for index, known in refused.items()
    }
