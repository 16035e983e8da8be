"""What is written, all of it or nothing."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.order import Order
from order_service.domain.service import Service
from order_service.domain.session import Session
from order_service.ports.privacy import Erasing
from order_service.views import RenderedOrder


class Orders(Protocol):
    async def get(self, order_id: UUID, *, only_of: UUID | None, lock: bool = False) -> Order:
        """The newest committed order. Raises OrderNotFound when absent, or not of the customer `only_of`.

        With `lock`, nobody else can change the order until this transaction ends.
        """

    async def claim_unpaid(self, *, pay_by_before: datetime) -> Order | None:
        """The PENDING order whose time to pay ended before that the longest ago, locked; None if there is none.

        One that somebody else has locked is passed over.
        """

    async def reserve(self, customer_ids: Collection[UUID]) -> None:
        """Nobody else reserves one of these customers until this transaction ends.

        Raises OrderChangedMeanwhile at once if somebody has: to wait would hold a connection for nothing.
        """

    def add(self, order: Order) -> RenderedOrder:
        """Stages a new order and its events, and says how every later read of this version will show it."""

    def save(self, order: Order) -> RenderedOrder:
        """Like `add`, for an order that came from `get`; stages nothing if it has no new events."""


class Accounts(Protocol):
    async def get(self, account_id: UUID, *, lock: bool = False) -> Account:
        """Raises AccountNotFound, also for one that was erased.

        With `lock`, nobody else can change the account until this transaction ends.
        """

    async def keep(self, account_id: UUID) -> None:
        """Nobody erases the account until this transaction ends.

        Raises AccountNotFound if somebody has, or there is none: at once, or by `flush` and `commit`.
        """

    async def by_email(self, email: str) -> Account | None:
        """`email` as accounts keep it (see `normalized_email`)."""

    def add(self, account: Account) -> None:
        """Stages a new account and its events."""

    def save(self, account: Account) -> None:
        """Like `add`, for an account that came from here; with no new events too, for a stronger hash is no event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRequest:
    """Which order, at which version, was the answer to a request with this fingerprint."""

    fingerprint: bytes
    order_id: UUID
    version: int


class AnsweredRequests(Protocol):
    """Requests that came with an idempotency key, by the account that sent them."""

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None: ...

    def remember(self, subject: UUID, key: str, answered: AnsweredRequest) -> None:
        """Stages the record. A second one for the same subject and key fails `commit` with IdempotencyKeyTaken."""


class Inbox(Protocol):
    """Messages that took effect already, by consumer."""

    async def has(self, consumer: str, message_id: str) -> bool: ...

    def add(self, consumer: str, message_id: str) -> None:
        """Stages the record. A second one for the same message fails `commit` with MessageKnown."""


class Sessions(Protocol):
    async def get(self, session_id: UUID) -> Session:
        """Locked until this transaction ends. Raises SessionNotFound."""

    async def of(self, account_id: UUID) -> Sequence[Session]:
        """All that have not ended, locked until this transaction ends; the newest first."""

    async def all_of(self, account_id: UUID) -> Sequence[Session]:
        """All that are still known, ended ones too, the newest first; nothing is locked."""

    def add(self, session: Session, *, of: Account) -> None:
        """Stages a new session of an account that is still as it was read when this transaction ends.

        Raises AccountChangedMeanwhile, or AccountNotFound if it was erased, by `flush` and `commit`.
        """

    def save(self, session: Session) -> None: ...


class Services(Protocol):
    async def get(self, service_id: UUID) -> Service:
        """Raises ServiceNotFound."""

    async def named(self, name: str) -> Service:
        """Locked until this transaction ends. Raises ServiceNotFound."""

    async def all(self) -> Sequence[Service]:
        """By name."""

    def add(self, service: Service) -> None: ...

    def save(self, service: Service) -> None: ...

    def remove(self, service: Service) -> None: ...

    def end_secret(self, secret_id: UUID, *, at: datetime) -> None:
        """Tokens that name this secret are over, as if it were a session (see `EndedSessions`)."""


class Transaction(Protocol):
    """All or nothing: what is staged becomes visible by `commit`, together, or never."""

    @property
    def orders(self) -> Orders: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def services(self) -> Services: ...
    @property
    def answered(self) -> AnsweredRequests: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def erasing(self) -> Erasing: ...

    async def flush(self) -> None:
        """Writes everything staged: this transaction finds it, and nobody else yet. Raises what `commit` does."""

    async def commit(self) -> None:
        """Writes everything staged.

        Raises OrderChangedMeanwhile (the order is not at the version it was loaded at), AccountChangedMeanwhile,
        IdempotencyKeyTaken, MessageKnown, ExternalRefTaken, OrderNumberTaken, EmailTaken, ServiceNameTaken; then
        nothing was written.
        After DependencyUnavailable nobody knows: an idempotency key finds out.
        """


class Transactions(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """Leaving it without `commit` leaves no trace."""
