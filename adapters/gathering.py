"""What is asked at the same time is done together: many who wait for one round trip, not one for many.

Whoever asks alone does not wait: what they ask is done at once. While it is under way, what others ask gathers, and
is done together next.

Who makes a Gathering bounds the groups, mostly to 64 or 100: else a statement, and the wait for it, could be of any
length. Mostly two groups are under way at once, so that one is under way while the next gathers; more would only make
smaller groups. One at a time goes where two could overtake each other, or where the largest groups are wanted.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Gathering(Generic[Asked, Answer]):
    """`do` gets what was asked, at most `most` at a time, and gives an answer for each in the same order.

    An answer that is an exception is raised to the one who asked; what `do` itself raises, to all of them. No more
    than `at_once` groups are under way at the same time. Who is cancelled while they wait does no harm to the others;
    what they asked may be done.
    """

    def __init__(
        self, do: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]], *, most: int, at_once: int
    ) -> None:
        self._do = do
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._working: set[asyncio.Task[Any] | None] = set()

    async def __call__(self, asked: Asked) -> Answer:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, answer))
        if len(self._working) < self._at_once:
            # In a context of its own: what is done belongs to no single request.
            self._working.add(loop.create_task(self._work(), context=Context()))
        return await answer

    async def close(self) -> None:
        """Waits until all is done that was asked."""
        while self._working:
            await asyncio.wait([task for task in self._working if task])

    async def _work(self) -> None:
        try:
            while group := self._next_group():
                await self._answer(group)
        finally:
            # Not when the task is done: who asks next, and may do so before that, must not count on it.
            self._working.discard(asyncio.current_task())

    async def _answer(self, group: "Sequence[tuple[Asked, asyncio.Future[Answer]]]") -> None:
        try:
            answers = await self._do([asked for asked, _ in group])
            for (_, waiting), answer in zip(group, answers, strict=True):
                _tell(waiting, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised to those who asked
            for _, waiting in group:
                _tell(waiting, error)
        finally:
            for _, waiting in group:  # nobody who is left, as the loop itself is ending, waits for ever
                waiting.cancel()

    def _next_group(self) -> list[tuple[Asked, asyncio.Future[Answer]]]:
        group: list[tuple[Asked, asyncio.Future[Answer]]] = []
        while self._waiting and len(group) < self._most:
            asked, waiting = self._waiting.popleft()
            if not waiting.done():
                group.append((asked, waiting))
        return group


def _tell(waiting: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if waiting.done():  # they gave up
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
