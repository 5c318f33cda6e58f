"""What a kind of record is: its wire struct, its columns, how it becomes facts."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import msgspec.inspect

from csapi.facts.kinds import Resource
from csapi.facts.lookup import Lookup
from csapi.facts.tables import ATTRIBUTE_SLOTS
from csapi.facts.wire import KEY_LENGTH


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an item fills. With `link`, the item names a record of that table."""

    name: str
    cast: str
    link: str | None = None


def flat_type(annotation: Any) -> tuple[msgspec.inspect.Type, ...]:
    """The arms of a union, or the type alone."""
    described = msgspec.inspect.type_info(annotation)
    if isinstance(described, msgspec.inspect.UnionType):
        return described.types
    return (described,)


def attribute_columns() -> tuple[Column, ...]:
    return tuple(Column(f"attr{slot}", "integer") for slot in range(1, ATTRIBUTE_SLOTS + 1))


@dataclass(frozen=True)
class RecordKind:
    """One resource that is replaced whole by (source, external_id).

    row: the values of `columns` for an item, in their order; links as external ids.
    derivation: SELECT of all facts of subjects ($1 tenant, $2 ids); empty where there are none.
    people: SELECT of the customers of subjects, as `customer`; empty where there are none.
    refill: statements that fill columns which earlier versions did not have from the stored items
    of subjects ($1 tenant, $2 ids); they run before the facts are derived again.
    name_column, name_field: what names a record within its source, in its table and in its item.
    returning: what a write gives back besides the identity (SQL over old and new).
    instants: the fields that must lie in the accepted range of time.
    planned: the fields among them that may lie ahead.
    lasting: the columns of start and end, where records can be listed by time.
    """

    name: str
    table: str
    item: type[Any]
    columns: tuple[Column, ...]
    row: Callable[[Any, Lookup], tuple[object, ...]]
    instants: tuple[str, ...]
    resource: Resource | None = None
    derivation: str = ""
    people: str = ""
    refill: tuple[str, ...] = ()
    returning: tuple[str, ...] = ()
    name_column: str = "external_id"
    name_field: str = "external_id"
    planned: tuple[str, ...] = ()
    lasting: tuple[str, str] | None = None
    checks: tuple[Callable[[Any], "tuple[str, str, str] | None"], ...] = ()

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(self.item, strict=True)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The fields that name something: at most 255 bytes, so that an index can hold them."""
        return tuple(
            field.name
            for field in msgspec.structs.fields(self.item)
            if any(
                isinstance(part, msgspec.inspect.StrType) and part.max_length == KEY_LENGTH
                for part in flat_type(field.type)
            )
        )

    @cached_property
    def fingerprint(self) -> int:
        """Names the derivation: facts that another one made are derived again."""
        text = " ".join("\n".join((self.derivation, *self.refill)).split())
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    @property
    def customer_place(self) -> int | None:
        """Where among the columns the customer stands, if a record of this kind names one."""
        names = [column.name for column in self.columns]
        return names.index("customer") if "customer" in names else None

    @property
    def links(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.link)
