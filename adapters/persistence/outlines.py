"""A document's shape without its values: what is only passed on need not be understood, which takes half the time."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import GenericAlias, NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw


def outline(shape: Any) -> Any:
    """A Struct with the fields of the dataclass `shape`, in their order, and those of the dataclasses within.

    Every other value stays the JSON that it is, unread and unchecked; only a mapping becomes a dict.
    """
    types = get_type_hints(shape)
    return msgspec.defstruct(
        shape.__name__, [_field(field, types[field.name]) for field in fields(shape)], kw_only=True, gc=False
    )


def _field(field: Field[Any], of: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    kept = _kept(of)
    if field.default is MISSING:
        return field.name, kept
    return field.name, kept, Raw(msgspec.json.encode(field.default)) if kept is Raw else field.default


def _kept(of: Any) -> Any:
    """What a value of this type is read as."""
    parts = get_args(of)
    if is_dataclass(of):
        return outline(of)
    if get_origin(of) is tuple:
        return GenericAlias(tuple, (_kept(parts[0]), ...))
    if len(parts) == 2 and parts[1] is NoneType and is_dataclass(parts[0]):
        return outline(parts[0]) | None
    return dict[str, Any] if get_origin(of) is Mapping else Raw
