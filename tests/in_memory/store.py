"""What everybody sees, and who holds what meanwhile."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.order import Order
from order_service.domain.service import Service
from order_service.domain.session import Session
from order_service.ports import AnsweredRequest, LoggedEvent, LogPosition
from order_service.views import EventView
from tests.in_memory.system import SequentialIds


@dataclass(slots=True)
class Committed:
    """What everybody sees. A transaction writes to a copy, which takes its place only when all went well."""

    orders: dict[UUID, Order] = field(default_factory=dict)
    events: list[LoggedEvent] = field(default_factory=list)
    accounts: dict[UUID, Account] = field(default_factory=dict)
    account_events: list[tuple[UUID, EventView]] = field(default_factory=list)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    services: dict[UUID, Service] = field(default_factory=dict)
    ended_secrets: dict[UUID, datetime] = field(default_factory=dict)
    answered: dict[tuple[UUID, str], AnsweredRequest] = field(default_factory=dict)
    messages: set[tuple[str, str]] = field(default_factory=set)
    unfinished: dict[UUID, set[UUID]] = field(default_factory=dict)

    def draft(self) -> Self:
        return type(self)(
            dict(self.orders),
            list(self.events),
            dict(self.accounts),
            list(self.account_events),
            dict(self.sessions),
            dict(self.services),
            dict(self.ended_secrets),
            dict(self.answered),
            set(self.messages),
            dict(self.unfinished),
        )


class Store:
    def __init__(self) -> None:
        self.committed = Committed()
        self.changing: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.changing_accounts: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.kept: Counter[UUID] = Counter()
        self.ending: set[UUID] = set()
        self.reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.places: dict[str, LogPosition] = {}
        self.event_ids = SequentialIds(lane=1)
        self.transactions = 0
