"""How the service does, at a glance."""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from adapters.http.checks import Check, results_of
from adapters.http.ops.rendering import AnyRequest, By, SomePages, unchanged
from order_service.domain.actor import Actor
from order_service.use_cases.list_deeds import ListDeeds
from order_service.use_cases.see_machinery import Machinery, SeeMachinery

_FRESH_SECONDS = 2.0
_DEEDS = 8
_TITLES = {"postgresql": "PostgreSQL", "redis": "Redis", "kafka": "Kafka"}

Digest = Annotated[str, QueryParameter(max_length=16)]


@dataclass(frozen=True, slots=True)
class Glance:
    """`health`: dependency, as people write it -> `ok`, `unavailable` or `in the process`."""

    health: Mapping[str, str]
    machinery: Machinery

    @property
    def summary(self) -> str:
        away = [name for name, state in self.health.items() if state == "unavailable"]
        machinery = self.machinery
        counted = [
            ("dead job", machinery.jobs.dead if machinery.jobs else 0),
            ("dead letter", machinery.dead_letters or 0),
        ]
        found = [f"{count} {what}{'' if count == 1 else 's'}" for what, count in counted if count]
        said = [f"{' and '.join(away)} {'do' if len(away) > 1 else 'does'} not answer"] if away else []
        said += [f"{' and '.join(found)} to look at"] if found else []
        return f"{'; '.join(said)}." if said else "All is well."


class Watch:
    """Looks for all who look at once, and every two seconds at most: Kafka is asked over a connection made for it."""

    def __init__(self, see_machinery: SeeMachinery, checks: Mapping[str, Check]) -> None:
        self._see = see_machinery
        self._checks = checks
        self._looking = asyncio.Lock()
        self._seen: tuple[float, Glance] | None = None

    async def glance(self, by: Actor) -> Glance:
        """For staff alone, who all may see the same."""
        async with self._looking:
            if self._seen is None or time.monotonic() - self._seen[0] > _FRESH_SECONDS:
                health, machinery = await asyncio.gather(results_of(self._checks), self._see(by=by))
                self._seen = (time.monotonic(), Glance(_of_all(health), machinery))
            return self._seen[1]

    def is_shared(self, name: str) -> bool:
        """Whether it is a service of its own, and not a part of this process."""
        return name in self._checks


@get("/")
async def overview(
    request: AnyRequest,
    pages: SomePages,
    by: By,
    watch: NamedDependency[SkipValidation[Watch]],
    list_deeds: NamedDependency[ListDeeds],
) -> Response[bytes]:
    glance = await watch.glance(by)
    deeds = await list_deeds(limit=_DEEDS, by=by)
    digest = _digest(glance, deeds)
    return pages.page(
        request, "overview.html", glance=glance, deeds=deeds, digest=digest, said=_short(glance.summary)
    )


@get("/machinery")
async def machinery(
    request: AnyRequest,
    pages: SomePages,
    by: By,
    watch: NamedDependency[SkipValidation[Watch]],
    list_deeds: NamedDependency[ListDeeds],
    seen: Digest = "",
    said: Digest = "",
) -> Response[bytes]:
    """The live part of the page. `said`: the summary that a screen reader has told already."""
    glance = await watch.glance(by)
    deeds = await list_deeds(limit=_DEEDS, by=by)
    digest = _digest(glance, deeds)
    if digest == seen:
        return unchanged()
    return pages.page(
        request,
        "overview_news.html",
        glance=glance,
        deeds=deeds,
        digest=digest,
        said=_short(glance.summary),
        is_new=said != _short(glance.summary),
    )


def _of_all(health: Mapping[str, str]) -> dict[str, str]:
    """Those that we know first, in their order."""
    known = {title: health.get(name, "in the process") for name, title in _TITLES.items()}
    return known | {name: state for name, state in health.items() if name not in _TITLES}


def _digest(*things: object) -> str:
    return _short(repr(things))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


ROUTES = [overview, machinery]
