"""What the service is made of beside its use cases, and which part stands in for which port."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from dishka import AnyOf, AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.http.app import HttpEdge, HttpUseCases
from adapters.http.cursors import Cursors
from adapters.http.health import Check
from adapters.http.leaving import Leaving
from adapters.http.ops.entrance import FormTokens
from adapters.kafka.asyncapi import describe
from adapters.persistence.account_views import SqlAccountViews
from adapters.persistence.engine import create_engine
from adapters.persistence.event_archive import SqlEventArchive
from adapters.persistence.event_feed import SqlEventFeed
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.leases import SqlLeases
from adapters.persistence.log_partitions import SqlLogPartitions
from adapters.persistence.once import SqlOldRecords
from adapters.persistence.operating import SqlDeeds, SqlRedrivenLetters
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.sessions import SqlEndedSessions
from adapters.persistence.transaction import SqlTransactions
from adapters.security.common_passwords import ListedPasswords
from adapters.security.keys import TokenKeys
from adapters.security.passwords import Argon2Passwords
from adapters.security.tokens import JwtTokens
from adapters.system import RandomIds, SystemClock
from adapters.telemetry.contexts import current_trace
from adapters.telemetry.tracing import Tracing
from composition.health import REQUIRED, checks, known_for_a_moment
from composition.keys import token_keys
from composition.settings import Settings
from composition.surroundings import InProcessNews, InProcessStores, KafkaNews, RedisStores
from composition.tracing import query_spans, traced, tracing_of
from composition.use_cases import UseCases
from composition.watching import NOBODY, Watches
from order_service import ports
from order_service.ports import Quota
from order_service.use_cases.guessing import GuessingRules

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
    """What is known only when the service starts: where its database is, its secret, and which process this is.

    `role`: such as `relay`; None for a command.
    """

    database: URL
    secret_key: str = field(repr=False)
    role: str | None = None


class Machine(Provider):
    scope = Scope.APP

    settings = from_context(Settings)
    resources = from_context(Resources)
    watches = from_context(Watches)
    clock = provide(SystemClock, provides=ports.Clock)
    ids = provide(RandomIds, provides=ports.Ids)


class Traces(Provider):
    scope = Scope.APP

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing

    @provide
    def tracing(self) -> Iterator[Tracing]:
        yield self._tracing
        self._tracing.close()


class Persistence(Provider):
    scope = Scope.APP

    account_views = provide(SqlAccountViews, provides=ports.AccountViews)
    log = provide(SqlEventLog, provides=AnyOf[SqlEventLog, ports.EventLog])
    archive = provide(SqlEventArchive, provides=ports.EventArchive)
    leases = provide(SqlLeases, provides=ports.Leases)
    partitions = provide(SqlLogPartitions, provides=ports.LogPartitions)
    old_records = provide(SqlOldRecords, provides=ports.OldRecords)
    deeds = provide(SqlDeeds, provides=ports.Deeds)

    @provide
    async def engine(self, settings: Settings, resources: Resources) -> AsyncIterator[AsyncEngine]:
        engine = create_engine(resources.database, pool_size=settings.postgres_pool_size)
        yield engine
        await engine.dispose()

    @provide
    def reads(self, engine: AsyncEngine, tracing: Tracing) -> GatheredReads:
        return GatheredReads(engine, query_spans(tracing))

    @provide
    def redriven(self, engine: AsyncEngine, settings: Settings) -> ports.RedrivenLetters:
        return SqlRedrivenLetters(engine, topic=settings.dead_letter_topic)

    @provide
    def views(self, engine: AsyncEngine, reads: GatheredReads, tracing: Tracing) -> ports.OrderViews:
        return SqlOrderViews(engine, reads, around=query_spans(tracing))

    @provide
    async def transactions(
        self, engine: AsyncEngine, reads: GatheredReads, tracing: Tracing
    ) -> AsyncIterator[ports.Transactions]:
        transactions = SqlTransactions(engine, reads, current_trace=current_trace, around=query_spans(tracing))
        yield transactions
        await transactions.close()

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
        ended.close()
        await following

    @provide
    def passwords(self) -> ports.PasswordHasher:
        return Argon2Passwords()

    @provide
    def guessing_rules(self, settings: Settings, resources: Resources) -> GuessingRules:
        key = hashlib.sha256(b"guessing\0" + resources.secret_key.encode()).digest()
        return GuessingRules(wrong_per_hour=settings.wrong_passwords_per_hour, key=key)

    @provide
    def keys(self, settings: Settings, resources: Resources) -> TokenKeys:
        return token_keys(settings, resources.secret_key)

    @provide
    def tokens(self, settings: Settings, keys: TokenKeys) -> ports.Tokens:
        return JwtTokens(keys, lifetime=settings.access_token_lifetime)


class Http(Provider):
    scope = Scope.APP

    use_cases = provide(HttpUseCases)

    @provide
    def cursors(self, resources: Resources) -> Cursors:
        return Cursors(resources.secret_key)

    @provide
    def checks(self, engine: AsyncEngine, settings: Settings, resources: Resources) -> Mapping[str, Check]:
        async def postgresql() -> None:
            async with engine.connect() as connection:  # of the pool: a process that has none left is not ready
                await connection.execute(text("SELECT 1"))

        anew = {name: known_for_a_moment(check) for name, check in checks(settings, resources.database).items()}
        return {**anew, "postgresql": postgresql}

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
        resources: Resources,
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
            leaving=Leaving(),
            required=REQUIRED["api"],
            form_tokens=FormTokens(resources.secret_key),
            version=VERSION,
            asyncapi=asyncapi(settings),
        )


def make_container(
    settings: Settings, resources: Resources, watches: Watches = NOBODY, *around: Provider
) -> AsyncContainer:
    """`around`: what is put around parts of the service."""
    tracing = tracing_of(settings, resources.role, VERSION)
    watches = traced(watches, tracing, settings)
    return make_async_container(
        UseCases(watches),
        Machine(),
        Traces(tracing),
        Persistence(),
        Security(),
        InProcessStores() if settings.redis is None else RedisStores(),
        InProcessNews() if settings.kafka is None else KafkaNews(),
        Http(),
        *around,
        context={Settings: settings, Resources: resources, Watches: watches},
    )
