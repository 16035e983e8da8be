"""One key, one effect: how a request that comes again gets its first answer again."""

from dataclasses import dataclass
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.domain.errors import IdempotencyKeyReused
from order_service.ports import AnsweredRequest, OrderViews, Transaction
from order_service.views import RenderedOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """The client's `key`, and the `fingerprint` of all that the request asks for."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class ConsumedMessage:
    """A message by the name its sender gave it, as `consumer` hears it."""

    consumer: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The order after the request; `replayed` when the request had taken effect before."""

    order: RenderedOrder
    replayed: bool = False


async def answered_before(tx: Transaction, by: Actor, key: IdempotencyKey | None) -> AnsweredRequest | None:
    """What a request with this key was answered with before; None if it is the first.

    Raises IdempotencyKeyReused when that was another request.
    """
    if key is None:
        return None
    answered = await tx.answered.find(subject_of(by), key.key)
    if answered is None:
        return None
    if answered.fingerprint != key.fingerprint:
        raise IdempotencyKeyReused
    return answered


async def first_answer(views: OrderViews, answered: AnsweredRequest) -> Answer:
    """That answer again. Not for the inside of a transaction, which holds one connection while this takes another."""
    return Answer(await views.at_version(answered.order_id, answered.version), replayed=True)


def remember_answer(tx: Transaction, by: Actor, key: IdempotencyKey | None, order: RenderedOrder) -> None:
    if key is not None:
        answered = AnsweredRequest(fingerprint=key.fingerprint, order_id=order.order_id, version=order.version)
        tx.answered.remember(subject_of(by), key.key, answered)


async def consumed_before(tx: Transaction, message: ConsumedMessage | None) -> bool:
    return message is not None and await tx.inbox.has(message.consumer, message.message_id)


def remember_message(tx: Transaction, message: ConsumedMessage | None) -> None:
    if message is not None:
        tx.inbox.add(message.consumer, message.message_id)


def subject_of(by: Actor) -> UUID:
    """Whose keys: those of two accounts never meet. Only accounts send keys."""
    if by.id is None:
        raise ValueError(f"{by.kind} has no idempotency keys")
    return by.id
