"""Messages that no retry makes right: kept with the cause and the place they came from, and put back on command."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from adapters.kafka.cluster import Cluster
from adapters.kafka.messages import Headers
from adapters.kafka.producer import Producer
from adapters.kafka.reading import Record, reading
from order_service.domain.errors import DeadLetterNotFound
from order_service.ports import DeadLetter, LetterPlace

# Of a message too big for the topic the beginning is kept; the rest is at its origin. Together less than 1 MiB,
# Kafka's own limit, with room for our notes.
_LARGEST_VALUE, _LARGEST_HEADERS, _LARGEST_KEY = 512 * 1024, 256 * 1024, 64 * 1024

# Ours begin with this, so that putting a message back can take them off again.
_PREFIX = "x-dead-letter-"

_LATEST_MILLISECONDS = 253_402_300_799_999  # a producer says when it is, and there it may be any year


class DeadLetters:
    """Both the slot that the consumer puts letters in, and the box in which an operator finds them.

    `heard`: the topics that letters come from. Others may write to `topic`, too, and whatever they like.
    """

    def __init__(self, cluster: Cluster, *, topic: str, heard: Collection[str]) -> None:
        self._cluster = cluster
        self._topic = topic
        self._heard = heard
        self._producer = Producer(cluster)

    async def put(self, record: Any, *, cause: str, detail: str) -> None:
        """Keeps the consumed `record`. Returns once the broker has it; raises DependencyUnavailable."""
        value, key = _beginning(record.value, _LARGEST_VALUE), _beginning(record.key, _LARGEST_KEY)
        came = [(name, content) for name, content in record.headers if not name.startswith(_PREFIX)]
        headers = _first(came, _LARGEST_HEADERS)
        cut = (value, key, headers) != (record.value, record.key, came)
        notes = {
            "cause": cause,
            "detail": detail[:1000],
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "cut": "true" if cut else "false",
        }
        headers += [(_PREFIX + name, note.encode()) for name, note in notes.items()]
        await self._send(self._topic, value, key, headers)

    async def newest(self, limit: int) -> Sequence[DeadLetter]:
        async with reading(self._cluster) as kafka:
            records: list[Record] = []
            for partition, (begin, end) in (await kafka.extent(self._topic)).items():
                if begin < end:
                    records += await kafka.between(self._topic, partition, max(begin, end - limit), end)
        letters = sorted(map(self._letter, records), key=lambda letter: letter.place.died_at, reverse=True)
        return letters[:limit]

    async def get(self, partition: int, offset: int) -> DeadLetter:
        async with reading(self._cluster) as kafka:
            begin, end = (await kafka.extent(self._topic)).get(partition, (0, 0))
            if not begin <= offset < end:
                raise DeadLetterNotFound
            records = await kafka.between(self._topic, partition, offset, offset + 1)
        if not records:
            raise DeadLetterNotFound
        return self._letter(records[0])

    async def extent(self) -> Mapping[int, tuple[int, int]]:
        async with reading(self._cluster) as kafka:
            return await kafka.extent(self._topic)

    async def put_back(self, letter: DeadLetter) -> None:
        await self._send(letter.topic, letter.value, letter.key, list(letter.headers))

    async def close(self) -> None:
        await self._producer.close()

    def _letter(self, record: Record) -> DeadLetter:
        notes = {
            name[len(_PREFIX) :]: (note or b"").decode(errors="replace")
            for name, note in record.headers
            if name.startswith(_PREFIX)
        }
        topic = notes.get("topic", "")
        milliseconds = min(max(record.timestamp, 0), _LATEST_MILLISECONDS)
        return DeadLetter(
            place=LetterPlace(
                record.partition, record.offset, datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
            ),
            topic=topic,
            partition=_number(notes.get("partition", "")),
            offset=_number(notes.get("offset", "")),
            cause=notes.get("cause", "unknown"),
            detail=notes.get("detail", ""),
            key=record.key,
            value=record.value,
            headers=[(name, content) for name, content in record.headers if not name.startswith(_PREFIX)],
            cut=notes.get("cut") == "true",
            heard=topic in self._heard,
        )

    async def _send(self, topic: str, value: bytes | None, key: bytes | None, headers: Headers) -> None:
        async with self._producer.use() as producer:
            await producer.send_and_wait(topic, value, key=key, headers=headers)


def _beginning(content: bytes | None, largest: int) -> bytes | None:
    return None if content is None else content[:largest]


def _first(headers: Headers, largest: int) -> Headers:
    """As many as fit."""
    sizes = accumulate(len(name.encode()) + len(content or b"") for name, content in headers)
    return [header for header, size in zip(headers, sizes, strict=True) if size <= largest]


def _number(note: str) -> int:
    return int(note) if re.fullmatch("[0-9]{1,18}", note) else -1
