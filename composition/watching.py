"""Who looks on while the service works, to count and to trace it; a use case knows nothing of it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from adapters.kafka.hearing import Record

Subject = TypeVar("Subject")
UseCase = TypeVar("UseCase", bound=Callable[..., Awaitable[Any]])

Around = Callable[[Subject], AbstractContextManager[object]]
"""What is put around one piece of work. It sees the exception, if there is one, and must let it pass."""

Watch = Callable[[type], Callable[[], AbstractContextManager[object]]]
"""Asked once for each use case; what it gives is asked at each call, for what is to be around that call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watches:
    """Of several, the first is the outermost.

    `messages`: around each record that the consumer hears; a record that has to wait is heard again.
    `jobs`: around each order that the worker processes.
    """

    use_cases: Sequence[Watch] = ()
    messages: Sequence[Around[Record]] = ()
    jobs: Sequence[Around[UUID]] = ()


NOBODY = Watches()


def watched(use_case: type[UseCase], watches: Iterable[Watch]) -> type[UseCase]:
    """`use_case`, made of the same parts, with all of `watches` around each call.

    A call that opens a stream is over when the stream is open.
    """
    seen = use_case
    for watch in reversed(list(watches)):
        seen = _watched_by(watch(use_case), seen)
    return seen


def _watched_by(around: Callable[[], AbstractContextManager[object]], use_case: type[UseCase]) -> type[UseCase]:
    call: Callable[..., Awaitable[Any]] = use_case.__call__

    @wraps(call)
    async def watched_call(self: UseCase, *args: Any, **kwargs: Any) -> Any:
        with around():
            return await call(self, *args, **kwargs)

    same = {"__call__": watched_call, "__module__": use_case.__module__, "__doc__": use_case.__doc__}
    return type(use_case.__name__, (use_case,), same)


def together(arounds: Sequence[Around[Subject]]) -> Around[Subject]:
    """All of them as one."""
    if len(arounds) == 1:
        return arounds[0]

    def all_of_them(subject: Subject) -> ExitStack:
        with ExitStack() as stack:
            for around in arounds:
                stack.enter_context(around(subject))
            return stack.pop_all()

    return all_of_them
