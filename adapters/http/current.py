"""Which request it is that is being answered."""

from contextvars import ContextVar

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""Its id, for whatever is logged meanwhile."""
