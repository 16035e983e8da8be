"""What routes ask for by name, handed in without ado.

The framework opens a task group for each request, and resolves what a route asks for in tasks, each with a model of
its own. All that ours ask for is there already, or stands in the request, so it is put beside the parameters. This
touches what the framework keeps to itself: where that is not as we know it, the framework's own way remains, and
`tests/http/test_dependencies.py` tells.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.routes import HTTPRoute

Extractor = Callable[[dict[str, Any], Any], Awaitable[None]]

_log = logging.getLogger(__name__)


def always(thing: object) -> Provide:
    """The same thing for every request."""
    return Provide(lambda: thing, use_cache=True, sync_to_thread=False)


def of_request(find: Callable[..., object]) -> Provide:
    """What `find(request)` gives at once."""
    return Provide(find, sync_to_thread=False)


def hand_in(app: Litestar) -> Litestar:
    """The application, its routes given what they ask for directly, where that can be."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                hand_in_to(model)
    return app


def hand_in_to(model: Any) -> bool:
    """Whether this route (the framework's model of what it takes) no longer needs dependencies resolved."""
    try:
        if not model.dependency_batches:
            return True
        (batch,) = model.dependency_batches  # several: some would need others
        if not all(_is_plain(one.provide) for one in batch):
            return False
        things = {one.key: one.provide.dependency() for one in batch if _takes(one.provide) == set()}
        finds = {one.key: one.provide.dependency for one in batch if _takes(one.provide)}
        model.extractors.append(_extractor(things, finds))
        model.dependency_batches = []
    except (AttributeError, TypeError, ValueError) as error:
        _log.warning("dependencies are resolved by the framework: %s", error)
        return False
    return True


def _extractor(things: Mapping[str, object], finds: Mapping[str, Callable[[Any], object]]) -> Extractor:
    async def extract(values: dict[str, Any], request: Any) -> None:
        values.update(things)
        for name, find in finds.items():
            values[name] = find(request)

    return extract


def _is_plain(provide: Provide) -> bool:
    """Whether it is had by a mere call, and would be the same however often that is made."""
    generates = provide.has_sync_generator_dependency or provide.has_async_generator_dependency
    taken = _takes(provide)
    return provide.has_sync_callable and not generates and taken == (set() if provide.use_cache else {"request"})


def _takes(provide: Provide) -> set[str]:
    return set(provide.signature_model._fields)
