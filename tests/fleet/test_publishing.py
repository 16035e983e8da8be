"""Events reach Kafka whole, in order, and where every other client of Kafka looks for them."""

import logging
import os
from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from aiokafka.partitioner import murmur2

from adapters.kafka.cluster import Cluster
from adapters.kafka.partitions import partition_number
from adapters.kafka.publisher import KafkaEvents
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import LoggedEvent, LogPosition
from tests.fleet.topics import make_topics, told


def an_event(order_id: UUID, seq: int, *, payload: bytes) -> LoggedEvent:
    return LoggedEvent(
        at=LogPosition(1, seq),
        id=uuid4(),
        order_id=order_id,
        seq=seq,
        type="order.placed",
        payload=payload,
        occurred_at=datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC),
    )


async def a_topic(kafka: str) -> str:
    name = f"publishing-{uuid4().hex[:8]}"
    await make_topics(kafka, [name])
    return name


@pytest.mark.parametrize("length", range(41))
def test_a_key_belongs_to_the_partition_that_kafkas_own_clients_find(length: int) -> None:
    for key in [bytes(length), b"\xff" * length, *(os.urandom(length) for _ in range(50))]:
        for partitions in (1, 3, 6, 50):
            assert partition_number(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions


async def test_what_takes_many_batches_arrives_once_in_order_and_where_it_belongs(
    kafka_bootstrap_servers: str,
) -> None:
    topic = await a_topic(kafka_bootstrap_servers)
    orders = [uuid4() for _ in range(7)]
    sent = [an_event(order, seq, payload=os.urandom(60_000)) for seq in range(1, 16) for order in orders]
    sent.append(an_event(orders[0], 16, payload=bytes(5_000_000)))  # alone in a batch, and small when it is packed
    sent.append(an_event(orders[0], 17, payload=b"{}"))
    publisher = KafkaEvents(Cluster(servers=[kafka_bootstrap_servers]), topic=topic)
    await publisher.publish(sent)
    await publisher.close()
    records = await told(kafka_bootstrap_servers, topic)
    arrived: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        arrived[record.key].append(record.value)
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 3
    assert arrived == {
        str(order).encode(): [event.payload for event in sent if event.order_id == order] for order in orders
    }


async def test_an_event_has_the_headers_of_a_cloud_event(kafka_bootstrap_servers: str) -> None:
    topic = await a_topic(kafka_bootstrap_servers)
    event = an_event(uuid4(), 3, payload=b"{}")
    publisher = KafkaEvents(Cluster(servers=[kafka_bootstrap_servers]), topic=topic)
    await publisher.publish([event])
    await publisher.close()
    [record] = await told(kafka_bootstrap_servers, topic)
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": str(event.id).encode(),
        "ce_source": b"/orders",
        "ce_type": b"order.placed",
        "ce_subject": str(event.order_id).encode(),
        "ce_time": b"2026-03-02T12:00:00.000005Z",
        "ce_sequence": b"3",
        "content-type": b"application/json",
    }


@pytest.mark.parametrize("size", [2_000_000, 9_000_000], ids=["for the topic", "for any topic"])
async def test_an_event_that_is_too_large_is_named_and_nothing_of_its_order_overtakes_it(
    kafka_bootstrap_servers: str, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    topic = await a_topic(kafka_bootstrap_servers)
    order = uuid4()
    events = [
        an_event(order, 1, payload=b"{}"),
        an_event(order, 2, payload=os.urandom(size)),
        an_event(order, 3, payload=b"{}"),
    ]
    publisher = KafkaEvents(Cluster(servers=[kafka_bootstrap_servers]), topic=topic)
    with caplog.at_level(logging.ERROR), pytest.raises(DependencyUnavailable):
        await publisher.publish(events)
    await publisher.close()
    assert f"Kafka refuses an event of {size} bytes, of order {order}" in caplog.text
    seqs = [dict(record.headers)["ce_sequence"] for record in await told(kafka_bootstrap_servers, topic)]
    assert seqs in ([], [b"1"])
