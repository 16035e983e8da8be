"""Redis and Kafka around the service, or what stands in for them when it is one process."""

from collections.abc import AsyncIterator, Mapping
from functools import partial

from dishka import AnyOf, Provider, Scope, provide
from dramatiq.brokers.redis import RedisBroker
from faststream.kafka import KafkaBroker
from redis.asyncio import Redis

from adapters.embedded.dead_letters import NoDeadLetters
from adapters.embedded.events import InProcessEvents, InProcessJobs
from adapters.embedded.known_origins import InProcessKnownOrigins
from adapters.embedded.order_cache import InProcessOrderCache
from adapters.embedded.rate_limiter import InProcessRateLimiter
from adapters.kafka.cluster import Cluster
from adapters.kafka.consumer_lag import consumer_lag
from adapters.kafka.dead_letters import DeadLetters
from adapters.kafka.publisher import KafkaEvents
from adapters.kafka.subscribers import KafkaUseCases
from adapters.kafka.subscribers import make_broker as make_kafka_broker
from adapters.persistence.event_log import SqlEventLog
from adapters.redis.connection import CACHE_SECONDS, LIMIT_SECONDS, connect
from adapters.redis.known_origins import RedisKnownOrigins
from adapters.redis.order_cache import RedisOrderCache
from adapters.redis.rate_limiter import RedisRateLimiter
from adapters.telemetry.contexts import current_trace
from adapters.telemetry.traced_publisher import TracedPublisher
from adapters.telemetry.tracing import Tracing
from adapters.worker.job_board import DramatiqJobBoard
from adapters.worker.queue import DramatiqJobs
from adapters.worker.queue import make_broker as make_job_broker
from composition.lags import ReaderLags
from composition.logs import harmless
from composition.settings import Settings
from composition.telemetry.watching import Watches, together
from order_service import ports
from order_service.ports import LoggedEvent
from order_service.use_cases.follow_order import TO_SCREEN


class InProcessStores(Provider):
    scope = Scope.APP

    @provide
    def jobs(self) -> AnyOf[InProcessJobs, ports.JobQueue, ports.JobBoard]:
        return InProcessJobs(current_trace=current_trace)

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

    origins = provide(RedisKnownOrigins, provides=ports.KnownOrigins)

    @provide
    async def guarding(self, settings: Settings) -> AsyncIterator[Redis]:
        async with connect(settings.redis or "", patience=LIMIT_SECONDS) as redis:
            yield redis

    @provide
    async def limiter(self, redis: Redis) -> AsyncIterator[ports.RateLimiter]:
        limiter = RedisRateLimiter(redis)
        yield limiter
        await limiter.close()

    @provide
    async def cache(self, settings: Settings) -> AsyncIterator[ports.OrderCache]:
        async with connect(settings.redis or "", patience=CACHE_SECONDS) as redis:
            yield RedisOrderCache(redis, seconds_to_live=settings.redis_cache_ttl)

    @provide
    def broker(self, settings: Settings) -> RedisBroker:
        return make_job_broker(settings.redis or "")

    @provide
    def jobs(self, broker: RedisBroker) -> ports.JobQueue:
        return DramatiqJobs(broker, current_trace=current_trace)

    @provide
    def board(self, broker: RedisBroker) -> ports.JobBoard:
        return DramatiqJobBoard(broker, harmless=harmless)


class InProcessNews(Provider):
    scope = Scope.APP

    letters = provide(NoDeadLetters, provides=ports.DeadLetterBox)

    @provide
    def lags(self, log: SqlEventLog) -> ports.Lags:
        async def nothing() -> Mapping[str, int]:
            return {}

        return ReaderLags(log, nothing)

    @provide
    def publisher(self, jobs: ports.JobQueue, tracing: Tracing) -> ports.EventPublisher:
        async def screen(event: LoggedEvent) -> None:
            with tracing.resumed(event.trace):
                await jobs.enqueue_processing(event.order_id)

        events = InProcessEvents(dict.fromkeys(TO_SCREEN, screen))
        return TracedPublisher(events, tracing, system="in_process", destination="events")


class KafkaNews(Provider):
    scope = Scope.APP

    use_cases = provide(KafkaUseCases)

    @provide
    async def publisher(self, settings: Settings, tracing: Tracing) -> AsyncIterator[ports.EventPublisher]:
        events = KafkaEvents(_cluster(settings), topic=settings.kafka_topic)
        yield TracedPublisher(events, tracing, system="kafka", destination=settings.kafka_topic)
        await events.close()

    @provide
    def lags(self, settings: Settings, log: SqlEventLog) -> ports.Lags:
        return ReaderLags(log, partial(consumer_lag, _cluster(settings), settings.heard_topics))

    @provide
    async def dead_letters(self, settings: Settings) -> AsyncIterator[AnyOf[DeadLetters, ports.DeadLetterBox]]:
        letters = DeadLetters(_cluster(settings), topic=settings.dead_letter_topic, heard=settings.heard_topics)
        yield letters
        await letters.close()

    @provide
    def broker(
        self, settings: Settings, use_cases: KafkaUseCases, dead_letters: DeadLetters, watches: Watches
    ) -> KafkaBroker:
        return make_kafka_broker(
            _cluster(settings),
            order_topic=settings.kafka_topic,
            payments_topic=settings.kafka_payments_topic,
            shipments_topic=settings.kafka_shipments_topic,
            use_cases=use_cases,
            dead_letters=dead_letters,
            around=together(watches.messages),
        )


def _cluster(settings: Settings) -> Cluster:
    assert settings.kafka is not None  # noqa: S101 - for the type checker: what asks is there with a Kafka alone
    return settings.kafka
