"""Redis and the real Kafka for development (`python -m tests.services up`) and for tests.

with KafkaServer(tmp_path) as kafka, RedisServer(tmp_path) as redis:
    kafka.bootstrap_servers, redis.url
    kafka.kill(); kafka.start()         # the same port, the same data
    redis.pause(); redis.resume()
"""

from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer
from tests.services.server import MissingProgramError, ServiceError

__all__ = ["KafkaServer", "MissingProgramError", "RedisServer", "ServiceError"]
