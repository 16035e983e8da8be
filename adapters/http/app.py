"""The HTTP application: which routes there are, and what stands before them."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.types import ASGIApp

from adapters.http import (
    batch,
    docs,
    events,
    order_cancellation,
    order_lists,
    order_money,
    order_returns,
    order_shipments,
    orders,
)
from adapters.http.accounts import accounts_router
from adapters.http.auth import Authentication, current_actor, current_bearer
from adapters.http.body import StrictSchema
from adapters.http.checks import Check
from adapters.http.content import Checked, takes_json, takes_known_parameters_once
from adapters.http.cursors import Cursors
from adapters.http.dependencies import always, hand_in, of_request
from adapters.http.edge import Edge, tell_too_busy
from adapters.http.health import health_router
from adapters.http.keys import jwks_route
from adapters.http.leaving import Leaving
from adapters.http.limits import Networks, RateLimit
from adapters.http.ops.app import Beside, create_ops
from adapters.http.ops.entrance import FormTokens
from adapters.http.problem_pages import problem_list, problem_page
from adapters.http.problems import EXCEPTION_HANDLERS
from adapters.http.whole_router import WholeRouter
from order_service.ports import Clock, EndedSessions, Quota, RateLimiter, Tokens
from order_service.use_cases.amend_order import AmendOrder
from order_service.use_cases.cancel_by_hand import CancelByHand
from order_service.use_cases.cancel_lines import CancelLines
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_email import ChangeEmail
from order_service.use_cases.change_password import ChangePassword
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.dismiss_letter import DismissLetter
from order_service.use_cases.edit_lines import EditLines
from order_service.use_cases.end_session import EndSession
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.export_account import ExportAccount
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.list_account_events import ListAccountEvents
from order_service.use_cases.list_accounts import ListAccounts
from order_service.use_cases.list_dead_letters import ListDeadLetters
from order_service.use_cases.list_deeds import ListDeeds
from order_service.use_cases.list_order_events import ListOrderEvents
from order_service.use_cases.list_orders import ListOrders
from order_service.use_cases.list_sessions import ListSessions
from order_service.use_cases.log_in import LogIn
from order_service.use_cases.log_in_service import LogInService
from order_service.use_cases.place_order import PlaceOrder
from order_service.use_cases.read_event_log import ReadEventLog
from order_service.use_cases.receive_return import ReceiveReturn
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.redrive_letter import RedriveLetter
from order_service.use_cases.refresh_session import RefreshSession
from order_service.use_cases.refuse_return import RefuseReturn
from order_service.use_cases.register_account import RegisterAccount
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.request_return import RequestReturn
from order_service.use_cases.retry_job import RetryJob
from order_service.use_cases.run_batch import RunBatch
from order_service.use_cases.screen_again import ScreenAgain
from order_service.use_cases.see_machinery import SeeMachinery
from order_service.use_cases.set_role import SetRole
from order_service.use_cases.ship_order import ShipOrder
from order_service.use_cases.stream_order_events import StreamOrderEvents

_LARGEST_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpUseCases:
    """All that can be done over HTTP. A route asks for what it needs by the name it has here."""

    register_account: RegisterAccount
    log_in: LogIn
    log_in_service: LogInService
    get_account: GetAccount
    refresh_session: RefreshSession
    end_session: EndSession
    list_sessions: ListSessions
    change_password: ChangePassword
    change_email: ChangeEmail
    set_role: SetRole
    list_accounts: ListAccounts
    list_account_events: ListAccountEvents
    export_account: ExportAccount
    erase_account: EraseAccount
    place_order: PlaceOrder
    get_order: GetOrder
    list_orders: ListOrders
    list_order_events: ListOrderEvents
    change_status: ChangeStatus
    record_payment: RecordPayment
    ship_order: ShipOrder
    deliver_shipment: DeliverShipment
    cancel_order: CancelOrder
    request_processing: RequestProcessing
    find_order: FindOrder
    edit_lines: EditLines
    amend_order: AmendOrder
    cancel_lines: CancelLines
    record_refund: RecordRefund
    request_return: RequestReturn
    receive_return: ReceiveReturn
    refuse_return: RefuseReturn
    stream_order_events: StreamOrderEvents
    read_event_log: ReadEventLog
    run_batch: RunBatch
    see_machinery: SeeMachinery
    retry_job: RetryJob
    list_dead_letters: ListDeadLetters
    redrive_letter: RedriveLetter
    dismiss_letter: DismissLetter
    list_deeds: ListDeeds
    cancel_by_hand: CancelByHand
    screen_again: ScreenAgain


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEdge:
    """What stands between the use cases and whoever asks."""

    tokens: Tokens
    jwks: Mapping[str, object]
    ended_sessions: EndedSessions
    clock: Clock
    cursors: Cursors
    limiter: RateLimiter
    account_quota: Quota
    order_quota: Quota
    proxies: Networks
    allowed_origins: Sequence[str]
    checks: Mapping[str, Check]
    leaving: Leaving
    required: Set[str]
    form_tokens: FormTokens
    ops_pages: bool
    version: str
    asyncapi: Mapping[str, object]


def create_app(use_cases: HttpUseCases, edge: HttpEdge) -> ASGIApp:
    """The API, and beside it the operations pages, if they are wanted."""
    by_name = {field.name: getattr(use_cases, field.name) for field in fields(use_cases)}
    authentication = Authentication(edge.tokens, edge.ended_sessions, edge.clock)
    limit = RateLimit(edge.limiter, edge.order_quota, edge.proxies)
    orders_router = WholeRouter(
        "/orders",
        route_handlers=[
            *orders.ROUTES,
            *batch.ROUTES,
            *order_money.ROUTES,
            *order_shipments.ROUTES,
            *order_returns.ROUTES,
            *order_cancellation.ROUTES,
            *order_lists.ROUTES,
            *events.ORDER_ROUTES,
        ],
        middleware=[authentication, limit, Checked(takes_json, takes_known_parameters_once)],
        dependencies={
            "by": of_request(current_actor),
            "bearer": of_request(current_bearer),
        },
        security=[{"password": []}],
        tags=["Orders"],
    )
    log_router = Router(
        "/events",
        route_handlers=events.LOG_ROUTES,
        middleware=[authentication, limit, Checked(takes_known_parameters_once)],
        dependencies={"by": of_request(current_actor)},
        security=[{"password": []}],
        tags=["Events"],
    )
    accounts = accounts_router(
        authentication=authentication, rate_limit=RateLimit(edge.limiter, edge.account_quota, edge.proxies)
    )
    app = Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=[accounts, orders_router, log_router]),
            health_router(edge.checks, edge.required, edge.leaving),
            jwks_route(edge.jwks),
            problem_list,
            problem_page,
            docs.assets,
            docs.asyncapi_route(edge.asyncapi),
        ],
        dependencies={
            "cursors": always(edge.cursors),
            "ended_sessions": always(edge.ended_sessions),
            **{name: always(use_case) for name, use_case in by_name.items()},
        },
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=_LARGEST_BODY_BYTES,
        cors_config=CORSConfig(
            allow_origins=list(edge.allowed_origins),
            expose_headers=["ETag", "Location", "Link", "Idempotent-Replayed", "RateLimit", "Retry-After"],
        ),
        openapi_config=docs.openapi_config(edge.version),
        plugins=[StrictSchema()],
        logging_config=None,
    )
    answering: ASGIApp = hand_in(app)
    too_busy: ASGIApp = tell_too_busy
    if edge.ops_pages:
        ops = create_ops(
            by_name,
            see_machinery=use_cases.see_machinery,
            tokens=edge.tokens,
            ended_sessions=edge.ended_sessions,
            clock=edge.clock,
            cursors=edge.cursors,
            limiter=edge.limiter,
            account_quota=edge.account_quota,
            proxies=edge.proxies,
            checks=edge.checks,
            form_tokens=edge.form_tokens,
            version=edge.version,
        )
        answering, too_busy = Beside(answering, ops), Beside(too_busy, ops.too_busy)
    return Edge(answering, edge.allowed_origins, too_busy=too_busy, leaving=edge.leaving)
