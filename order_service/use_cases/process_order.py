"""Process an order in the background: screen it, and say what came of it."""

from datetime import datetime, timedelta
from uuid import UUID

from order_service.domain.actor import SYSTEM
from order_service.domain.lifecycle import ProcessingStatus
from order_service.domain.lines import fingerprint_of
from order_service.domain.order import Order
from order_service.domain.rules import ShopRules
from order_service.domain.screening import CustomerHistory, screen
from order_service.ports import OrderViews, Transactions
from order_service.use_cases.change_order import ChangeOrder, OrderChange

HOUR = timedelta(hours=1)


class ProcessOrder:
    """The service itself. May run any number of times, and takes effect once. Raises OrderNotFound."""

    def __init__(
        self, transactions: Transactions, views: OrderViews, change_order: ChangeOrder, rules: ShopRules
    ) -> None:
        self._transactions = transactions
        self._views = views
        self._change_order = change_order
        self._limits = rules.screening

    async def __call__(self, order_id: UUID) -> None:
        async with self._transactions.begin() as tx:
            order = await tx.orders.get(order_id, only_of=None)
        if order.processing_status is not ProcessingStatus.QUEUED:
            return
        lines = fingerprint_of(order.lines)
        findings = screen(order, await self._history_of(order), self._limits)

        def process(newest: Order, now: datetime) -> None:
            if fingerprint_of(newest.lines) == lines:  # else it was edited, and another job sees to that
                newest.process(findings, by=SYSTEM, at=now)

        await self._change_order(OrderChange(order_id=order_id, by=SYSTEM), process)

    async def _history_of(self, order: Order) -> CustomerHistory:
        """Asks only for what a policy that is switched on will look at."""
        orders, same_lines = 0, False
        if self._limits.most_orders_per_hour is not None:
            orders = await self._views.count_placed(
                order.customer_id,
                since=order.placed_at - HOUR,
                before=order.placed_at,
                at_most=self._limits.most_orders_per_hour,
            )
        if self._limits.repeat_window is not None:
            same_lines = await self._views.placed_same_lines(
                order, since=order.placed_at - self._limits.repeat_window
            )
        return CustomerHistory(orders_in_last_hour=orders, same_lines_in_window=same_lines)
