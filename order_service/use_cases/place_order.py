"""Place an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from order_service.domain.actor import Actor
from order_service.domain.errors import (
    AccountNotFound,
    CustomerUnknown,
    ExternalRefTaken,
    IdempotencyKeyTaken,
    NotAllowed,
    OrderNumberTaken,
)
from order_service.domain.lines import LineRequest
from order_service.domain.order import Order
from order_service.domain.rules import ShopRules
from order_service.ports import Clock, Ids, OrderFilter, OrderViews, Transactions
from order_service.use_cases.idempotency import Answer, IdempotencyKey, answered_before, first_answer, remember_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLine:
    name: str
    quantity: int
    unit_price: str
    sku: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrderCommand:
    by: Actor
    currency: str
    lines: Sequence[WantedLine]
    total_price: str | None = None
    external_ref: str | None = None
    metadata: Mapping[str, str] | None = None
    customer_id: UUID | None = None
    idempotency_key: IdempotencyKey | None = None
    dry_run: bool = False


class PlaceOrder:
    """A customer for themselves, or staff or a service for a customer. It begins PENDING, and QUEUED for screening.

    With an idempotency key it happens once, and every repetition gets the first answer. A dry run prices and checks
    the order, and stores nothing. Raises InvalidField, CurrencyUnknown, TotalMismatch, ExternalRefTaken,
    CustomerUnknown, NotAllowed, IdempotencyKeyReused.
    """

    def __init__(
        self, transactions: Transactions, views: OrderViews, clock: Clock, ids: Ids, rules: ShopRules
    ) -> None:
        self._transactions = transactions
        self._views = views
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def __call__(self, command: PlaceOrderCommand) -> Answer:
        try:
            return await self._place(command)
        except OrderNumberTaken:  # once in a long while among very many orders
            return await self._place(command)
        except IdempotencyKeyTaken:  # the same request was here before, or won the race just now
            async with self._transactions.begin() as tx:
                answered = await answered_before(tx, command.by, command.idempotency_key)
            if answered is None:
                raise
            return await first_answer(self._views, answered)

    async def _place(self, command: PlaceOrderCommand) -> Answer:
        order = self._new_order(command)
        async with self._transactions.begin() as tx:
            placed = tx.orders.add(order)
            try:
                if command.dry_run:
                    await tx.accounts.get(order.customer_id)
                else:
                    await tx.accounts.keep(order.customer_id)
                    remember_answer(tx, command.by, command.idempotency_key, placed)
                    await tx.commit()
            except AccountNotFound:
                raise CustomerUnknown(order.customer_id) from None
        if command.dry_run:
            await self._require_free_external_ref(order)
        return Answer(placed)

    async def _require_free_external_ref(self, order: Order) -> None:
        """For what is not stored, and so meets no constraint."""
        if order.external_ref is not None:
            same = OrderFilter(customer_id=order.customer_id, external_ref=order.external_ref)
            if (await self._views.list(same, start=None, limit=1, newest_first=True)).orders:
                raise ExternalRefTaken

    def _new_order(self, command: PlaceOrderCommand) -> Order:
        now = self._clock.now()
        return Order.place(
            id=self._ids.new(),
            number=self._ids.new_order_number(),
            customer_id=self._customer(command),
            currency=command.currency,
            lines=[
                LineRequest(
                    line_id=self._ids.new(),
                    sku=line.sku,
                    name=line.name,
                    quantity=line.quantity,
                    unit_price=line.unit_price,
                )
                for line in command.lines
            ],
            total_price=command.total_price,
            external_ref=command.external_ref,
            metadata=command.metadata,
            by=command.by,
            at=now,
            pay_by=now + self._rules.time_to_pay,
        )

    @staticmethod
    def _customer(command: PlaceOrderCommand) -> UUID:
        customer_id = command.customer_id or command.by.only_own
        if customer_id is None:
            raise NotAllowed("You order for a customer: say for whom with customer_id.")
        return customer_id
