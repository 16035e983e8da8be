"""A shop's day: customers place and cancel, the shop takes money and ships; whoever gets no answer asks again."""

import asyncio
import random
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.crash.customers import Customer, Diary, Placing


class PaymentService:
    """Tells the order service of money over Kafka, until the broker says that it has it."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def tell(self, payment: dict[str, Any], message_id: str) -> None:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", message_id.encode()),
            ("ce_source", b"/chaos"),
            ("ce_type", b"payment.captured"),
        ]
        key = payment["order_id"].encode()
        while True:
            try:
                producer = await self._started()
                await producer.send_and_wait(self._topic, msgspec.json.encode(payment), key=key, headers=headers)
            except (KafkaError, OSError, TimeoutError):
                await self.close()
                await asyncio.sleep(0.5)
            else:
                return

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap_servers, request_timeout_ms=5_000)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


class Books:
    """What was acknowledged beyond the orders themselves: order id -> the payments, and who was canceled."""

    def __init__(self) -> None:
        self.payments: dict[str, set[str]] = {}
        self.canceled: set[str] = set()
        self.refusals = 0

    def paid(self, order_id: str, payment_id: str) -> None:
        self.payments.setdefault(order_id, set()).add(payment_id)


class Shop:
    """The staff, and what they do with an order once it is placed."""

    def __init__(self, address: str, token: str, payments: PaymentService, books: Books, *, seed: int) -> None:
        self._http = httpx.AsyncClient(
            base_url=address, timeout=10, headers={"Authorization": f"Bearer {token}"}, limits=httpx.Limits()
        )
        self._payments = payments
        self._books = books
        self._random = random.Random(seed)

    async def handle(self, placing: Placing) -> None:
        assert placing.order is not None
        order_id, amount = placing.order["id"], placing.order["total"]
        payment = {"payment_id": uuid4().hex, "amount": amount}
        match self._random.choices(["rest", "kafka", "cancel", "nothing"], [4, 2, 2, 2])[0]:
            case "rest":
                if await self._ask(f"/api/v1/orders/{order_id}/payments", payment):
                    self._books.paid(order_id, payment["payment_id"])
                if self._random.random() < 0.5:
                    await self._ask(f"/api/v1/orders/{order_id}/shipments", {"carrier": "DHL"})
            case "kafka":
                message = {
                    **payment,
                    "order_id": order_id,
                    "currency": "EUR",
                    "captured_at": datetime.now(UTC).isoformat(),
                }
                message_id = uuid4().hex
                for _ in range(self._random.choice([1, 1, 2])):
                    await self._payments.tell(message, message_id)
                self._books.paid(order_id, payment["payment_id"])
            case "cancel":
                if await self._ask(f"/api/v1/orders/{order_id}/cancellation", {"reason": "OUT_OF_STOCK"}):
                    self._books.canceled.add(order_id)

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, path: str, body: dict[str, Any]) -> bool:
        """Whether it was done; asked again with the same key until there is an answer that counts."""
        headers = {"Idempotency-Key": uuid4().hex}
        while True:
            try:
                answer = await self._http.post(path, json=body, headers=headers)
                if answer.status_code < 500:
                    self._books.refusals += not answer.is_success
                    return answer.is_success
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


class ShoppingCustomer(Customer):
    """A customer whose orders the shop handles, one after the other."""

    def __init__(self, address: str, diary: Diary, shop: Shop, *, seed: int) -> None:
        super().__init__(address, diary, seed=seed)
        self._shop = shop

    async def placed(self, placing: Placing) -> None:
        await self._shop.handle(placing)
