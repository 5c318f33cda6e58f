"""The vocabulary that every table declaration uses.

Statements are written as SQL text (kit/db.py); these declarations give names and types to the
migration drift check and to the statements that are built from column lists.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

instant = sa.TIMESTAMP(timezone=True)
uuid = pg.UUID(as_uuid=True)


def column(
    name: str,
    kind: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]],
    *,
    default: str | None = None,
    null: bool = False,
) -> sa.Column[Any]:
    """One column. `default` is SQL text."""
    return sa.Column(
        name, kind, nullable=null, server_default=None if default is None else sa.text(default)
    )


def tenant_table(
    name: str,
    *columns: sa.Column[Any],
    key: Sequence[str],
    unique: Sequence[Sequence[str]] = (),
    indexes: Sequence[Sequence[str]] = (),
) -> sa.Table:
    """A table whose rows belong to one tenant: tenant_id leads every key and index.

    Row-level security is added by the migration and asserted by tests/isolation.
    """
    arguments: list[sa.schema.SchemaItem] = [column("tenant_id", uuid), *columns]
    if key:
        arguments.append(sa.PrimaryKeyConstraint("tenant_id", *key))
    arguments += [sa.UniqueConstraint("tenant_id", *names) for names in unique]
    table = sa.Table(name, metadata, *arguments)
    for names in indexes:
        sa.Index(None, *(table.c[each] for each in ("tenant_id", *names)))
    return table
