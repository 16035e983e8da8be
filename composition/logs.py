"""What a process writes about itself, on standard error: a JSON object a line, or text for people.

Nothing personal and nothing secret, whoever writes it: libraries quote what they were given when they stumble.
"""

import json
import logging
import re
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal
from uuid import UUID

from adapters.http.current import current_request
from adapters.kafka.hearing import Record
from adapters.telemetry.contexts import current_ids

_current_order: ContextVar[UUID | bytes | None] = ContextVar("current_order", default=None)

Format = Literal["json", "text"]

_LONGEST = 16_384
"""Of a longer text, beginning and end: whoever makes us log something must not keep us busy with it."""

_OURS = ("__main__", "adapters", "composition", "order_service")

_UNCAUGHT = logging.getLogger("uncaught")

# Each repetition has an end: else a long text that only begins like one of these would be read again and again.
_HIDDEN = (
    # PostgreSQL quotes rows, asyncpg parameters
    (re.compile(r"DETAIL: .*?(?=\nHINT: |\n\[SQL: |\n\n(?:The above|During)|\Z)", re.DOTALL), "DETAIL: ..."),
    (re.compile(r"(invalid input for query argument \$\d+|invalid input syntax for [\w ]{1,64}): .*"), r"\1: ..."),
    # addresses with a password
    (re.compile(r"(?<=://)[^\s'\"]{0,512}@"), "...@"),
    (re.compile(r"eyJ[\w-]{8,}[\w.-]*|(?<=Bearer )[\w.~+/=-]{16,}|(?<=Basic )[\w+/=-]{8,}"), "<token>"),
    (
        re.compile(
            r"""((?:password|passwd|secret|token)\w{0,32}['"]?\s?[=:]\s?(['"])).*?(?:(?<!\\)(?=\2)|\Z)""",
            re.IGNORECASE | re.DOTALL,
        ),
        r"\1...",
    ),
    (
        re.compile(r"((?:password|passwd|secret|token)\w{0,32}['\"]?\s?[=:]\s?['\"]?)[^\s'\"&,;)}]+", re.IGNORECASE),
        r"\1...",
    ),
    (re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+"), "<e-mail>"),
)


def harmless(text: str) -> str:
    """Without e-mail addresses, tokens, passwords, and what PostgreSQL quotes of rows and parameters."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


class OrderInLog:
    """Around what is done about an order: its id stands in each line that is written meanwhile.

    It may be given as the key of a message, which is no id if somebody made a mistake.
    """

    __slots__ = ("_order", "_token")

    def __init__(self, order: UUID | bytes | None) -> None:
        self._order = order

    def __enter__(self) -> None:
        self._token = _current_order.set(self._order)

    def __exit__(self, *_: object) -> None:
        _current_order.reset(self._token)


def job_in_log(order_id: UUID) -> OrderInLog:
    return OrderInLog(order_id)


def message_in_log(record: Record) -> OrderInLog:
    return OrderInLog(record.key)


def _current_order_id() -> str | None:
    order = _current_order.get()
    try:
        return str(UUID(order.decode()) if isinstance(order, bytes) else order) if order else None
    except ValueError:
        return None


class TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))


class JsonLines(logging.Formatter):
    """`error` is the exception with its traceback; `request_id`, `order_id` and the trace are there if known."""

    def format(self, record: logging.LogRecord) -> str:
        trace_id, span_id = current_ids() or (None, None)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", None) or current_request.get(),
            "order_id": getattr(record, "order_id", None) or _current_order_id(),
            "trace_id": trace_id,
            "span_id": span_id,
            "error": self.formatException(record.exc_info) if record.exc_info else record.exc_text,
        }
        return json.dumps({name: harmless(str(value)) for name, value in line.items() if value})


def tell_in_log(format: Format) -> None:
    """From warnings on; of our own modules and the worker's more. What Python would print as text is told, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    logging.basicConfig(handlers=[handler], force=True)
    for talkative in (*_OURS, "dramatiq"):
        logging.getLogger(talkative).setLevel(logging.INFO)
    # While Kafka is away its client says so many times a second; the relay and the consumer say it once a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a line that cannot be written is lost, rather than half a page of text
    sys.excepthook = _tell_uncaught
    sys.unraisablehook = lambda bug: _tell_uncaught(bug.exc_type, bug.exc_value, bug.exc_traceback)
    threading.excepthook = lambda bug: _tell_uncaught(bug.exc_type, bug.exc_value, bug.exc_traceback)


def keep_libraries_silent() -> None:
    """For a command, which says in its own words what went wrong: until `tell_in_log`, only our own modules warn."""
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_is_ours)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _OURS


def _tell_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        _UNCAUGHT.critical("%s", kind.__name__, exc_info=(kind, error, trace))
