"""Where the items of a kind hold names and instants, read off their structs once."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import inspect

from csapi.facts.wire import KEY_LENGTH
from csapi.kit.decode_errors import flat_types


@dataclass(frozen=True, slots=True)
class Place:
    """A field that is a name or an instant, or that holds such fields."""

    name: str
    wire: str
    is_leaf: bool
    is_list: bool
    inner: "tuple[Place, ...]" = ()


def is_name(type_: inspect.Type) -> bool:
    return isinstance(type_, inspect.StrType) and type_.max_length == KEY_LENGTH


def is_instant(type_: inspect.Type) -> bool:
    return isinstance(type_, inspect.DateTimeType)


def names_of(item: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """All names in an item: the pointer and the name."""
    return found(item, name_places(cast("Hashable", type(item))))


def listed_instants_of(item: msgspec.Struct) -> Iterator[tuple[str, str, datetime]]:
    """The instants inside lists: the name of the list, the pointer, the instant."""
    for place in listed_instant_places(cast("Hashable", type(item))):
        if not getattr(item, place.name):
            continue
        for pointer, instant in found(item, (place,)):
            yield place.name, pointer, instant


@cache
def name_places(struct: type[msgspec.Struct]) -> tuple[Place, ...]:
    return tuple(_places(struct, names=True))


@cache
def listed_instant_places(struct: type[msgspec.Struct]) -> tuple[Place, ...]:
    return tuple(place for place in _places(struct, names=False) if place.is_list)


def _places(struct: type[msgspec.Struct], *, names: bool) -> Iterator[Place]:
    described = inspect.type_info(struct)
    if not isinstance(described, inspect.StructType):
        raise TypeError(struct)
    for field in described.fields:
        for type_ in flat_types(field.type):
            is_list = isinstance(type_, inspect.ListType)
            members = type_.item_type if isinstance(type_, inspect.ListType) else type_
            for member in flat_types(members):
                is_leaf = is_name(member) if names else is_instant(member)
                inner: tuple[Place, ...] = ()
                if isinstance(member, inspect.StructType):
                    inner = tuple(_places(member.cls, names=names))
                if is_leaf or inner:
                    yield Place(field.name, field.encode_name, is_leaf, is_list, inner)


def found(item: Any, places: tuple[Place, ...], pointer: str = "") -> Iterator[tuple[str, Any]]:
    """The pointers and values of the leaves that an item has at `places`."""
    for place in places:
        value = getattr(item, place.name)
        if value is None:
            continue
        where = f"{pointer}/{place.wire}"
        members = enumerate(value) if place.is_list else ((None, value),)
        for index, member in members:
            there = where if index is None else f"{where}/{index}"
            if place.is_leaf:
                yield there, member
            else:
                yield from found(member, place.inner, there)
