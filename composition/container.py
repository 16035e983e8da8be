"""What the service is made of beside its use cases, and which part stands in for which port."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version

from dishka import AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.engine import create_engine
from adapters.persistence.sessions import SqlEndedSessions
from adapters.security.common_passwords import ListedPasswords
from adapters.security.keys import TokenKeys
from adapters.security.passwords import Argon2Passwords
from adapters.security.tokens import JwtTokens
from adapters.system import RandomIds, SystemClock
from composition.keys import token_keys
from composition.persistence import Persistence
from composition.settings import Settings
from composition.surroundings import InProcessNews, InProcessStores, KafkaNews, RedisStores
from composition.telemetry.tracing import Traces, traced, tracing_of
from composition.telemetry.watching import NOBODY, Watches
from composition.use_cases import UseCases
from order_service import ports
from order_service.use_cases.guessing import GuessingRules

VERSION = version("order-service")


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


def make_container(
    settings: Settings, resources: Resources, watches: Watches = NOBODY, *, more: Iterable[Provider] = ()
) -> AsyncContainer:
    """`more`: what this process has beside, or around, what all have."""
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
        *more,
        context={Settings: settings, Resources: resources, Watches: watches},
    )
