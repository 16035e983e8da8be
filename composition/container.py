"""Everything that the service is made of, a line each, and which part stands in for which port."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from dishka import AnyOf, AsyncContainer, Provider, Scope, from_context, make_async_container, provide, provide_all
from faststream.kafka import KafkaBroker
from redis.asyncio import Redis
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.embedded.events import InProcessEvents, InProcessJobs
from adapters.embedded.known_origins import InProcessKnownOrigins
from adapters.embedded.order_cache import InProcessOrderCache
from adapters.embedded.rate_limiter import InProcessRateLimiter
from adapters.http.app import HttpEdge, HttpUseCases
from adapters.http.cursors import Cursors
from adapters.http.health import Check
from adapters.kafka.asyncapi import describe
from adapters.kafka.cluster import Cluster
from adapters.kafka.dead_letters import DeadLetters
from adapters.kafka.publisher import KafkaEvents
from adapters.kafka.subscribers import KafkaUseCases
from adapters.kafka.subscribers import make_broker as make_kafka_broker
from adapters.persistence.account_views import SqlAccountViews
from adapters.persistence.engine import create_engine
from adapters.persistence.event_archive import SqlEventArchive
from adapters.persistence.event_feed import SqlEventFeed
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.leases import SqlLeases
from adapters.persistence.once import SqlOldRecords
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.sessions import SqlEndedSessions
from adapters.persistence.transaction import SqlTransactions
from adapters.redis.connection import CACHE_SECONDS, LIMIT_SECONDS, connect
from adapters.redis.known_origins import RedisKnownOrigins
from adapters.redis.order_cache import RedisOrderCache
from adapters.redis.rate_limiter import RedisRateLimiter
from adapters.security.common_passwords import ListedPasswords
from adapters.security.keys import TokenKeys
from adapters.security.passwords import Argon2Passwords
from adapters.security.tokens import JwtTokens
from adapters.system import RandomIds, SystemClock
from adapters.worker.queue import DramatiqJobs
from adapters.worker.queue import make_broker as make_job_broker
from composition.keys import token_keys
from composition.settings import Settings
from order_service import ports
from order_service.domain.rules import ShopRules
from order_service.ports import LoggedEvent, Quota
from order_service.use_cases.amend_order import AmendOrder
from order_service.use_cases.cancel_lines import CancelLines
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_account import ChangeAccount
from order_service.use_cases.change_email import ChangeEmail
from order_service.use_cases.change_order import ChangeOrder
from order_service.use_cases.change_password import ChangePassword
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.create_service import CreateService
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.edit_lines import EditLines
from order_service.use_cases.end_session import EndSession
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.expire_unpaid_orders import ExpireUnpaidOrders
from order_service.use_cases.export_account import ExportAccount
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.follow_order import TO_SCREEN, FollowOrder
from order_service.use_cases.forget_old_records import ForgetOldRecords
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.guessing import Guessing, GuessingRules
from order_service.use_cases.list_account_events import ListAccountEvents
from order_service.use_cases.list_accounts import ListAccounts
from order_service.use_cases.list_order_events import ListOrderEvents
from order_service.use_cases.list_orders import ListOrders
from order_service.use_cases.list_services import ListServices
from order_service.use_cases.list_sessions import ListSessions
from order_service.use_cases.log_in import LogIn, SessionRules
from order_service.use_cases.log_in_service import LogInService
from order_service.use_cases.place_order import PlaceOrder
from order_service.use_cases.process_order import ProcessOrder
from order_service.use_cases.read_event_log import ReadEventLog
from order_service.use_cases.receive_return import ReceiveReturn
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.refresh_session import RefreshSession
from order_service.use_cases.refuse_return import RefuseReturn
from order_service.use_cases.register_account import RegisterAccount
from order_service.use_cases.relay_events import RelayEvents
from order_service.use_cases.remove_service import RemoveService
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.request_return import RequestReturn
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders
from order_service.use_cases.rotate_service_secret import RotateServiceSecret
from order_service.use_cases.run_batch import RunBatch
from order_service.use_cases.set_role import SetRole
from order_service.use_cases.ship_order import ShipOrder
from order_service.use_cases.stream_order_events import StreamOrderEvents

VERSION = version("order-service")


def asyncapi(settings: Settings) -> dict[str, Any]:
    """The description of the Kafka side, with this installation's topics."""
    return describe(
        version=VERSION,
        order_topic=settings.kafka_topic,
        payments_topic=settings.kafka_payments_topic,
        shipments_topic=settings.kafka_shipments_topic,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What is known only when the service starts: where its database is, and its secret."""

    database: URL
    secret_key: str = field(repr=False)


class UseCases(Provider):
    scope = Scope.APP

    all = provide_all(
        AmendOrder,
        CancelLines,
        CancelOrder,
        ChangeAccount,
        ChangeEmail,
        CreateService,
        ChangeOrder,
        ChangeStatus,
        RefreshSession,
        ListSessions,
        EndSession,
        ChangePassword,
        DeliverShipment,
        EditLines,
        EraseAccount,
        ExpireUnpaidOrders,
        ExportAccount,
        FindOrder,
        FinishErasures,
        FollowOrder,
        ForgetOldRecords,
        GetAccount,
        GetOrder,
        Guessing,
        ListAccountEvents,
        ListAccounts,
        ListOrderEvents,
        ListOrders,
        ListServices,
        LogIn,
        LogInService,
        PlaceOrder,
        ProcessOrder,
        ReadEventLog,
        ReceiveReturn,
        RecordPayment,
        RecordRefund,
        RefuseReturn,
        RegisterAccount,
        RelayEvents,
        RequestProcessing,
        RequestReturn,
        RemoveService,
        RotateServiceSecret,
        RequeueStalledOrders,
        RunBatch,
        SetRole,
        ShipOrder,
        StreamOrderEvents,
    )

    @provide
    def rules(self, settings: Settings) -> ShopRules:
        return settings.shop_rules

    @provide
    def session_rules(self, settings: Settings) -> SessionRules:
        return SessionRules(lifetime=settings.session_lifetime)

    @provide
    def guessing_rules(self, settings: Settings, resources: Resources) -> GuessingRules:
        key = hashlib.sha256(b"guessing\0" + resources.secret_key.encode()).digest()
        return GuessingRules(wrong_per_hour=settings.wrong_passwords_per_hour, key=key)


class Machine(Provider):
    scope = Scope.APP

    settings = from_context(Settings)
    resources = from_context(Resources)
    clock = provide(SystemClock, provides=ports.Clock)
    ids = provide(RandomIds, provides=ports.Ids)


class Persistence(Provider):
    scope = Scope.APP

    transactions = provide(SqlTransactions, provides=ports.Transactions)
    account_views = provide(SqlAccountViews, provides=ports.AccountViews)
    views = provide(SqlOrderViews, provides=ports.OrderViews)
    log = provide(SqlEventLog, provides=AnyOf[SqlEventLog, ports.EventLog])
    archive = provide(SqlEventArchive, provides=ports.EventArchive)
    leases = provide(SqlLeases, provides=ports.Leases)
    old_records = provide(SqlOldRecords, provides=ports.OldRecords)

    @provide
    async def engine(self, settings: Settings, resources: Resources) -> AsyncIterator[AsyncEngine]:
        engine = create_engine(resources.database, pool_size=settings.postgres_pool_size)
        yield engine
        await engine.dispose()

    @provide
    async def feed(self, engine: AsyncEngine) -> AsyncIterator[AnyOf[SqlEventFeed, ports.EventFeed]]:
        feed = SqlEventFeed(engine)
        yield feed
        await feed.close()


class Security(Provider):
    scope = Scope.APP

    common_passwords = provide(ListedPasswords, provides=ports.CommonPasswords)

    @provide
    async def ended_sessions(self, engine: AsyncEngine, settings: Settings) -> AsyncIterator[ports.EndedSessions]:
        ended = SqlEndedSessions(engine, token_lifetime=settings.access_token_lifetime)
        following = asyncio.create_task(ended.follow())
        yield ended
        following.cancel()

    @provide
    def passwords(self) -> ports.PasswordHasher:
        return Argon2Passwords()

    @provide
    def keys(self, settings: Settings, resources: Resources) -> TokenKeys:
        return token_keys(settings, resources.secret_key)

    @provide
    def tokens(self, settings: Settings, keys: TokenKeys) -> ports.Tokens:
        return JwtTokens(keys, lifetime=settings.access_token_lifetime)


class InProcessStores(Provider):
    scope = Scope.APP

    jobs = provide(InProcessJobs, provides=AnyOf[InProcessJobs, ports.JobQueue])

    @provide
    def cache(self) -> ports.OrderCache:
        return InProcessOrderCache()

    @provide
    def limiter(self) -> ports.RateLimiter:
        return InProcessRateLimiter()

    @provide
    def origins(self) -> ports.KnownOrigins:
        return InProcessKnownOrigins()


class RedisStores(Provider):
    scope = Scope.APP

    limiter = provide(RedisRateLimiter, provides=ports.RateLimiter)
    origins = provide(RedisKnownOrigins, provides=ports.KnownOrigins)

    @provide
    async def guarding(self, settings: Settings) -> AsyncIterator[Redis]:
        async with connect(settings.redis or "", patience=LIMIT_SECONDS) as redis:
            yield redis

    @provide
    async def cache(self, settings: Settings) -> AsyncIterator[ports.OrderCache]:
        async with connect(settings.redis or "", patience=CACHE_SECONDS) as redis:
            yield RedisOrderCache(redis, seconds_to_live=settings.redis_cache_ttl)

    @provide
    def jobs(self, settings: Settings) -> ports.JobQueue:
        return DramatiqJobs(make_job_broker(settings.redis or ""))


class InProcessNews(Provider):
    scope = Scope.APP

    @provide
    def publisher(self, jobs: ports.JobQueue) -> ports.EventPublisher:
        async def screen(event: LoggedEvent) -> None:
            await jobs.enqueue_processing(event.order_id)

        return InProcessEvents(dict.fromkeys(TO_SCREEN, screen))


class KafkaNews(Provider):
    scope = Scope.APP

    use_cases = provide(KafkaUseCases)

    @provide
    async def publisher(self, settings: Settings) -> AsyncIterator[ports.EventPublisher]:
        events = KafkaEvents(_cluster(settings), topic=settings.kafka_topic)
        yield events
        await events.close()

    @provide
    async def dead_letters(self, settings: Settings) -> AsyncIterator[DeadLetters]:
        letters = DeadLetters(_cluster(settings), topic=settings.dead_letter_topic)
        yield letters
        await letters.close()

    @provide
    def broker(self, settings: Settings, use_cases: KafkaUseCases, dead_letters: DeadLetters) -> KafkaBroker:
        return make_kafka_broker(
            _cluster(settings),
            order_topic=settings.kafka_topic,
            payments_topic=settings.kafka_payments_topic,
            shipments_topic=settings.kafka_shipments_topic,
            use_cases=use_cases,
            dead_letters=dead_letters,
        )


class Http(Provider):
    scope = Scope.APP

    use_cases = provide(HttpUseCases)

    @provide
    def cursors(self, resources: Resources) -> Cursors:
        return Cursors(resources.secret_key)

    @provide
    def checks(self, engine: AsyncEngine) -> Mapping[str, Check]:
        async def postgresql() -> None:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

        return {"postgresql": postgresql}

    @provide
    def edge(
        self,
        settings: Settings,
        tokens: ports.Tokens,
        keys: TokenKeys,
        ended_sessions: ports.EndedSessions,
        clock: ports.Clock,
        cursors: Cursors,
        limiter: ports.RateLimiter,
        checks: Mapping[str, Check],
    ) -> HttpEdge:
        minute = timedelta(minutes=1)
        return HttpEdge(
            tokens=tokens,
            jwks=keys.jwks,
            ended_sessions=ended_sessions,
            clock=clock,
            cursors=cursors,
            limiter=limiter,
            account_quota=Quota(
                name="accounts", limit=settings.rate_limit_accounts_per_minute, window=minute, guards_secrets=True
            ),
            order_quota=Quota(name="orders", limit=settings.rate_limit_orders_per_minute, window=minute),
            proxies=settings.proxies,
            allowed_origins=settings.allowed_origins,
            checks=checks,
            version=VERSION,
            asyncapi=asyncapi(settings),
        )


def _cluster(settings: Settings) -> Cluster:
    assert settings.kafka is not None  # noqa: S101 - for the type checker: what asks is there with a Kafka alone
    return settings.kafka


def make_container(settings: Settings, resources: Resources) -> AsyncContainer:
    return make_async_container(
        UseCases(),
        Machine(),
        Persistence(),
        Security(),
        InProcessStores() if settings.redis is None else RedisStores(),
        InProcessNews() if settings.kafka is None else KafkaNews(),
        Http(),
        context={Settings: settings, Resources: resources},
    )
