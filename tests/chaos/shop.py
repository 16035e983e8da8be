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
                # A producer that somebody else closes meanwhile would wait for ever.
                async with asyncio.timeout(10):
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
    """What was acknowledged beyond the orders themselves: order id -> payment id -> amount, and the rest of it."""

    def __init__(self) -> None:
        self.payments: dict[str, dict[str, str]] = {}
        self.shipped: set[str] = set()
        self.canceled: set[str] = set()
        self.refusals = 0
        self.reads = 0
        self.stale_reads: list[str] = []

    def paid(self, order_id: str, payment: dict[str, Any]) -> None:
        self.payments.setdefault(order_id, {})[payment["payment_id"]] = payment["amount"]


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
        order_id, total = placing.order["id"], placing.order["total"]
        await self._read(order_id, at_least=placing.order["version"])
        match self._random.choices(["rest", "kafka", "cancel", "surplus", "late", "nothing"], [4, 2, 2, 1, 1, 2])[0]:
            case "rest":
                await self._pay(order_id, total)
                if self._random.random() < 0.5:
                    await self._ship(order_id)
            case "kafka":
                await self._pay_over_kafka(order_id, total)
            case "cancel":
                await self._cancel(order_id)
            case "surplus":  # whoever comes second pays too much: over REST that is refused, over Kafka it is a fact
                await asyncio.gather(self._pay(order_id, total), self._pay_over_kafka(order_id, total))
            case "late":
                await asyncio.gather(self._cancel(order_id), self._pay_over_kafka(order_id, total))

    async def close(self) -> None:
        await self._http.aclose()

    async def _pay(self, order_id: str, amount: str) -> None:
        payment = {"payment_id": uuid4().hex, "amount": amount}
        if await self._change(order_id, "payments", payment):
            self._books.paid(order_id, payment)

    async def _ship(self, order_id: str) -> None:
        if await self._change(order_id, "shipments", {"carrier": "DHL"}):
            self._books.shipped.add(order_id)

    async def _cancel(self, order_id: str) -> None:
        if await self._change(order_id, "cancellation", {"reason": "OUT_OF_STOCK"}):
            self._books.canceled.add(order_id)

    async def _pay_over_kafka(self, order_id: str, amount: str) -> None:
        """A third of the messages is told twice."""
        payment = {"payment_id": uuid4().hex, "amount": amount}
        message = {**payment, "order_id": order_id, "currency": "EUR", "captured_at": datetime.now(UTC).isoformat()}
        message_id = uuid4().hex
        for _ in range(self._random.choice([1, 1, 2])):
            await self._payments.tell(message, message_id)
        self._books.paid(order_id, payment)

    async def _change(self, order_id: str, what: str, body: dict[str, Any]) -> bool:
        """Whether it was done; then it must be seen at once by whoever was told so."""
        headers = {"Idempotency-Key": uuid4().hex}
        answer = await self._answer("POST", f"/api/v1/orders/{order_id}/{what}", json=body, headers=headers)
        if not answer.is_success:
            self._books.refusals += 1
            return False
        replayed = " after a repetition" if "Idempotent-Replayed" in answer.headers else ""
        await self._read(order_id, at_least=answer.json()["version"], after=f"{what}{replayed}")
        return True

    async def _read(self, order_id: str, *, at_least: int, after: str = "placing") -> None:
        order = (await self._answer("GET", f"/api/v1/orders/{order_id}")).raise_for_status().json()
        self._books.reads += 1
        if order["id"] != order_id or order["version"] < at_least:
            self._books.stale_reads.append(
                f"{order_id} read as {order['id']} at version {order['version']}, acknowledged {at_least}, {after}"
            )

    async def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Asked again, with the same key if there is one, until there is an answer that counts."""
        while True:
            try:
                answer = await self._http.request(method, path, **request)
                if answer.status_code < 500:
                    return answer
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
