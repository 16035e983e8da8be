"""The end of an account, and of what its customer wrote."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.order import Order


class Erasing(Protocol):
    """The one door through which the event log is written again: for everybody else it only grows.

    An erasure begins with `end_account`, and is unfinished until `rewrite` was told that no order is left.
    """

    async def hold(self, account_id: UUID) -> Account:
        """Until this transaction ends nobody logs in to the account, changes it, or orders for it.

        Raises AccountNotFound.
        """

    async def has_other_admin(self, account_id: UUID) -> bool:
        """Of two who ask at once, the second waits for what becomes of the first."""

    async def open_orders(self, customer_id: UUID) -> int:
        """How many of the customer's orders are not over (see `Order.is_over`)."""

    async def end_account(self, account: Account, *, at: datetime) -> None:
        """For one that is held and erased, with its new events. From commit on it is not found any more, its address
        is free, its sessions have ended and are forgotten but for their ids, and so are its answered requests.
        """

    async def unfinished(self) -> Sequence[UUID]:
        """The accounts that ended, and of whose orders some may not be redacted yet."""

    async def next_orders(self, account_id: UUID, *, limit: int) -> Sequence[Order]:
        """The customer's orders that come next, locked; none when there are no more. Others wait meanwhile."""

    async def rewrite(self, account_id: UUID, orders: Sequence[Order]) -> None:
        """For those from `next_orders`: from commit on all their events tell what a redacted order tells, and they do
        not come next again. For none: the erasure is finished.
        """
