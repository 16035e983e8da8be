"""How the pages word what the service knows: names of statuses, of events, of whoever acted, and ages."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.views import ActorView, EventView, OrderView

_LONGEST_VALUE = 500
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def word(value: str) -> str:
    """`PARTIALLY_PAID` or `order.payment_recorded` as people would write it."""
    return value.removeprefix("order.").replace("_", " ").replace(".", " ").capitalize()


def time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


def age(of: datetime, now: datetime) -> str:
    """How long ago that was, in its largest unit."""
    seconds = max(0, int((now - of) / timedelta(seconds=1)))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def who(actor: Actor | ActorView) -> str:
    """An account has no name here but its id, of which the end is enough to tell two apart."""
    return "the service itself" if actor.id is None else f"{actor.kind} {short(actor.id)}"


def who_did(actor: Actor) -> str:
    """A deed of nobody who logged in was done at the command line."""
    return "the command line" if actor.id is None else who(actor)


def short(id: UUID | str) -> str:
    return f"…{str(id)[-8:]}"


def short_uuid(id: str) -> str:
    """What others name is shown as they named it; our own names are long."""
    return short(id) if _UUID.fullmatch(id) else id


def changes(event: EventView, order: OrderView) -> Iterator[tuple[str, list[str]]]:
    """What the event tells beside its name: label and values, with lines and money as the order has them."""
    names = {str(line.line_id): line.name for line in order.lines}
    for field, value in event.change.items():
        if field in {"total", "amount", "captured"} and isinstance(value, str):
            yield word(field), [f"{value} {order.currency}"]
        elif field == "quantities" and isinstance(value, Mapping):
            yield "Goods", [f"{count} \u00d7 {names.get(line, line)}" for line, count in value.items()]
        elif field == "line_id":
            yield "Line", [names.get(str(value), str(value))]
        elif field == "currency" or value in ("", [], ()):
            continue
        elif isinstance(value, list | tuple):
            yield word(field), [_text(one) for one in value]
        else:
            yield word(field), [_text(value)]


def preview(content: bytes | None, longest: int) -> str | None:
    """The beginning of what may be anything, with what cannot be seen made visible."""
    if content is None:
        return None
    text = content[:longest].decode("utf-8", "replace")
    return "".join(
        character if character.isprintable() or character in "\n\t" else f"\\x{ord(character):02x}"
        for character in text
    )


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
