"""What the service is made of beside its use cases, and which part stands in for which port."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from dishka import AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.http.app import HttpEdge, HttpUseCases
from adapters.http.cursors import Cursors
from adapters.http.health import Check
from adapters.http.leaving import Leaving
from adapters.http.ops.entrance import FormTokens
from adapters.kafka.asyncapi import describe
from adapters.persistence.engine import create_engine
from adapters.persistence.sessions import SqlEndedSessions
from adapters.security.common_passwords import ListedPasswords
from adapters.security.keys import TokenKeys
from adapters.security.passwords import Argon2Passwords
from adapters.security.tokens import JwtTokens
from adapters.system import RandomIds, SystemClock
from composition.health import REQUIRED, checks, known_for_a_moment
from composition.keys import token_keys
from composition.persistence import Persistence
from composition.settings import Settings
from composition.surroundings import InProcessNews, InProcessStores, KafkaNews, RedisStores
from composition.tracing import Traces, traced, tracing_of
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

    @provide
    async def engine(self, settings: Settings, resources: Resources) -> AsyncIterator[AsyncEngine]:
        engine = create_engine(resources.database, pool_size=settings.postgres_pool_size)
        yield engine
        await engine.dispose()


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
