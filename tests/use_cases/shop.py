"""The whole service on in-memory adapters, as the tests of the use cases see it."""

from typing import Any
from uuid import UUID

import msgspec

from adapters.embedded.known_origins import InProcessKnownOrigins
from adapters.embedded.rate_limiter import InProcessRateLimiter
from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.domain.rules import ShopRules
from order_service.domain.screening import ScreeningLimits
from order_service.ports import OrderFilter
from order_service.use_cases.amend_order import AmendOrder
from order_service.use_cases.cancel_lines import CancelLines
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_account import ChangeAccount
from order_service.use_cases.change_email import ChangeEmail
from order_service.use_cases.change_order import ChangeOrder, OrderChange
from order_service.use_cases.change_password import ChangePassword
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.edit_lines import EditLines
from order_service.use_cases.end_session import EndSession
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.expire_unpaid_orders import ExpireUnpaidOrders
from order_service.use_cases.export_account import ExportAccount
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.follow_order import FollowOrder
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.guessing import Guessing, GuessingRules
from order_service.use_cases.idempotency import Answer, IdempotencyKey
from order_service.use_cases.list_account_events import ListAccountEvents, ListAccountEventsQuery
from order_service.use_cases.list_accounts import ListAccounts
from order_service.use_cases.list_order_events import ListOrderEvents, ListOrderEventsQuery
from order_service.use_cases.list_orders import ListOrders
from order_service.use_cases.list_sessions import ListSessions
from order_service.use_cases.log_in import LogIn, SessionRules
from order_service.use_cases.place_order import PlaceOrder, PlaceOrderCommand, WantedLine
from order_service.use_cases.process_order import ProcessOrder
from order_service.use_cases.read_event_log import ReadEventLog
from order_service.use_cases.receive_return import ReceiveReturn
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.refresh_session import RefreshSession
from order_service.use_cases.refuse_return import RefuseReturn
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from order_service.use_cases.relay_events import RelayEvents
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.request_return import RequestReturn
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders
from order_service.use_cases.run_batch import RunBatch
from order_service.use_cases.set_role import SetRole
from order_service.use_cases.ship_order import ShipOrder
from order_service.use_cases.stream_order_events import StreamOrderEvents
from order_service.views import OrderView, RenderedOrder
from tests.builders import CANCEL_WINDOW, NOON, TIME_TO_PAY
from tests.in_memory.accounts import InMemoryAccountViews
from tests.in_memory.events import InMemoryEventArchive, InMemoryEventFeed, InMemoryEventLog, ListJobs, ListPublisher
from tests.in_memory.order_views import DictOrderCache, InMemoryOrderViews
from tests.in_memory.security import FewPasswords, NumberedTokens, PlainPasswords
from tests.in_memory.store import Store
from tests.in_memory.system import SequentialIds, SettableClock
from tests.in_memory.transaction import InMemoryTransactions

PASSWORD = "correct horse"
HOME = "192.0.2.1"
"""Where everybody sits who does not say otherwise."""

WRONG_PER_HOUR = 4
MUGS = WantedLine(name="Blue mug", quantity=2, unit_price="10", sku="MUG-BLUE")


class Shop:
    def __init__(
        self,
        *,
        screening: ScreeningLimits | None = None,
        transactions: InMemoryTransactions | None = None,
        views: type[InMemoryOrderViews] = InMemoryOrderViews,
    ) -> None:
        rules = ShopRules(
            time_to_pay=TIME_TO_PAY, cancel_window=CANCEL_WINDOW, screening=screening or ScreeningLimits()
        )
        self.clock = SettableClock(NOON)
        self.ids = SequentialIds()
        self.store = Store() if transactions is None else transactions.store
        self.transactions = transactions or InMemoryTransactions(self.store)
        self.views = views(self.store)
        self.log = InMemoryEventLog(self.store)
        self.cache = DictOrderCache()
        self.publisher = ListPublisher()
        self.jobs = ListJobs()
        self.passwords = PlainPasswords()
        self.tokens = NumberedTokens()
        self.limiter = InProcessRateLimiter(now=self.seconds)
        self.origins = InProcessKnownOrigins(now=self.seconds)
        guessing_rules = GuessingRules(wrong_per_hour=WRONG_PER_HOUR, key=b"a key for tests")
        self.guessing = Guessing(self.limiter, self.origins, guessing_rules)

        self.register = RegisterAccount(self.transactions, self.passwords, FewPasswords(), self.clock, self.ids)
        self.log_in = LogIn(
            self.transactions, self.passwords, self.guessing, self.tokens, self.clock, self.ids, SessionRules()
        )
        self.refresh_session = RefreshSession(self.transactions, self.tokens, self.clock, self.ids)
        self.end_session = EndSession(self.transactions, self.clock)
        self.list_sessions = ListSessions(self.transactions, self.clock)
        self.set_role = SetRole(self.transactions, self.clock)
        change_account = ChangeAccount(self.transactions, self.passwords, self.guessing, self.clock)
        self.change_password = ChangePassword(change_account, self.passwords, FewPasswords())
        self.change_email = ChangeEmail(change_account)
        self.get_account = GetAccount(self.transactions)
        self.account_views = InMemoryAccountViews(self.store)
        self.list_accounts = ListAccounts(self.account_views)
        self.list_account_events = ListAccountEvents(self.account_views, self.get_account)
        self.export_account = ExportAccount(self.transactions, self.views, self.account_views, self.clock)
        self.finish_erasures = FinishErasures(self.transactions, self.cache, self.clock)
        self.erase_account = EraseAccount(self.transactions, change_account, self.finish_erasures, self.clock)
        self.place_order = PlaceOrder(self.transactions, self.views, self.clock, self.ids, rules)
        self.get_order = GetOrder(self.views, self.cache)
        self.list_orders = ListOrders(self.views)
        self.list_order_events = ListOrderEvents(self.views, self.get_order)
        self.change_order = ChangeOrder(self.transactions, self.views, self.cache, self.clock)
        self.change_status = ChangeStatus(self.change_order, self.ids, rules)
        self.record_payment = RecordPayment(self.change_order)
        self.ship_order = ShipOrder(self.change_order, self.ids)
        self.deliver_shipment = DeliverShipment(self.change_order)
        self.cancel_order = CancelOrder(self.change_order, rules)
        self.request_processing = RequestProcessing(self.transactions, self.jobs)
        self.process_order = ProcessOrder(self.transactions, self.views, self.change_order, rules)
        self.requeue_stalled_orders = RequeueStalledOrders(self.views, self.jobs, self.clock)
        self.expire_unpaid_orders = ExpireUnpaidOrders(self.transactions, self.cache, self.clock)
        self.record_refund = RecordRefund(self.change_order)
        self.cancel_lines = CancelLines(self.change_order)
        self.edit_lines = EditLines(self.change_order, self.ids)
        self.amend_order = AmendOrder(self.change_order)
        self.request_return = RequestReturn(self.change_order, self.ids)
        self.receive_return = ReceiveReturn(self.change_order)
        self.refuse_return = RefuseReturn(self.change_order)
        self.find_order = FindOrder(self.views)
        self.archive = InMemoryEventArchive(self.store)
        self.read_event_log = ReadEventLog(self.archive)
        self.stream_order_events = StreamOrderEvents(self.views, InMemoryEventFeed(self.store), self.get_order)
        self.follow_order = FollowOrder(self.jobs, self.cache, self.views)
        self.run_batch = RunBatch(self.transactions, self.views, self.cache, self.clock, self.ids, rules)
        self.relay_events = RelayEvents(self.publisher)

    def seconds(self) -> float:
        return self.clock.now().timestamp()

    async def customer(self, email: str = "ann@example.com") -> Actor:
        return (await self.register(RegisterAccountCommand(email=email, password=PASSWORD))).actor

    async def admin(self, email: str = "boss@example.com") -> Actor:
        command = RegisterAccountCommand(email=email, password=PASSWORD, role=Role.ADMIN, by=SYSTEM)
        return (await self.register(command)).actor

    async def place(
        self, by: Actor, *lines: WantedLine, key: IdempotencyKey | None = None, external_ref: str | None = None
    ) -> Answer:
        """Two mugs for 20.00 EUR, unless other lines are wanted."""
        return await self.place_order(
            PlaceOrderCommand(
                by=by, currency="EUR", lines=lines or (MUGS,), idempotency_key=key, external_ref=external_ref
            )
        )

    async def an_order_of(self, by: Actor) -> UUID:
        return (await self.place(by)).order.order_id

    async def a_paid_order_of(self, by: Actor) -> UUID:
        order_id = await self.an_order_of(by)
        await self.pay(order_id)
        return order_id

    async def pay(self, order_id: UUID, amount: str = "20.00", payment_id: str = "payment-1") -> Answer:
        return await self.record_payment(
            OrderChange(order_id=order_id, by=SYSTEM), payment_id=payment_id, amount=amount, method="CARD"
        )

    async def see(self, order_id: UUID) -> OrderView:
        """The order as it is now, past every cache."""
        return read(await self.views.get(order_id))

    async def history(self, order_id: UUID) -> list[str]:
        query = ListOrderEventsQuery(by=SYSTEM, order_id=order_id)
        return [event.type for event in await self.list_order_events(query)]

    async def history_of_account(self, account_id: UUID) -> list[tuple[str, str, dict[str, object]]]:
        """What happened, by whom, and what changed."""
        events = await self.list_account_events(ListAccountEventsQuery(by=SYSTEM, account_id=account_id))
        return [(event.type, event.actor.kind, dict(event.change)) for event in events]

    async def count(self) -> int:
        page = await self.views.list(OrderFilter(), start=None, limit=1000, newest_first=True)
        return len(page.orders)


def read(order: RenderedOrder) -> OrderView:
    return msgspec.json.decode(order.body, type=OrderView)


def a_key(key: str = "key-1", of: Any = "this request") -> IdempotencyKey:
    return IdempotencyKey(key=key, fingerprint=repr(of).encode())
