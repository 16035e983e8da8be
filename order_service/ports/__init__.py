"""The outside world, as the use cases see it."""

from order_service.ports.guarding import Allowance, EndedSessions, PasswordHasher, Quota, RateLimiter, Tokens
from order_service.ports.privacy import Erasing
from order_service.ports.reading import OrderCache, OrderFilter, OrderPage, OrderViews, PageStart
from order_service.ports.running import Clock, Ids, Leases, OldRecords
from order_service.ports.telling import (
    EventArchive,
    EventFeed,
    EventLog,
    EventLogReader,
    EventPublisher,
    JobQueue,
    LoggedEvent,
    LogPage,
    LogPlace,
    LogPosition,
)
from order_service.ports.writing import (
    Accounts,
    AnsweredRequest,
    AnsweredRequests,
    Inbox,
    Orders,
    Sessions,
    Transaction,
    Transactions,
)

__all__ = [
    "Accounts",
    "Allowance",
    "AnsweredRequest",
    "AnsweredRequests",
    "Clock",
    "EndedSessions",
    "Erasing",
    "EventArchive",
    "EventFeed",
    "EventLog",
    "EventLogReader",
    "EventPublisher",
    "Ids",
    "Inbox",
    "JobQueue",
    "Leases",
    "LogPage",
    "LogPlace",
    "LogPosition",
    "LoggedEvent",
    "OldRecords",
    "OrderCache",
    "OrderFilter",
    "OrderPage",
    "OrderViews",
    "Orders",
    "PageStart",
    "PasswordHasher",
    "Quota",
    "RateLimiter",
    "Sessions",
    "Tokens",
    "Transaction",
    "Transactions",
]
