"""The HTTP side, for the processes that have one: the API's, and the one that is everything."""

from collections.abc import Mapping
from datetime import timedelta

from dishka import AsyncContainer, Provider, Scope, provide
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.http.app import HttpEdge, HttpUseCases, create_app
from adapters.http.checks import Check
from adapters.http.current import current_request
from adapters.http.cursors import Cursors
from adapters.http.edge import STREAMS
from adapters.http.leaving import Leaving
from adapters.http.ops.entrance import FormTokens
from adapters.security.keys import TokenKeys
from adapters.telemetry.asgi import App
from adapters.telemetry.counted_requests import CountedRequests
from adapters.telemetry.traced_requests import TracedRequests
from adapters.telemetry.tracing import Tracing
from composition.asyncapi import asyncapi
from composition.container import VERSION, Resources
from composition.health import REQUIRED, checks, known_for_a_moment
from composition.settings import Settings
from composition.telemetry.counting import Telemetry
from order_service import ports
from order_service.ports import Quota


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
            ops_pages=settings.ops_pages,
            version=VERSION,
            asyncapi=asyncapi(settings),
        )


async def http_app(container: AsyncContainer, telemetry: Telemetry) -> App:
    app = create_app(await container.get(HttpUseCases), await container.get(HttpEdge))
    traced = TracedRequests(app, await container.get(Tracing), request_id=current_request.get)
    return CountedRequests(traced, telemetry.metrics, telemetry.beat, streams=STREAMS)
