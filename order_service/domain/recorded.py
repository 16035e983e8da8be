"""An event in its place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from order_service.domain.actor import Actor

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Recorded(Generic[Fact]):
    """The `seq`-th event of its order, or its account, counted from 1 without a gap."""

    seq: int
    event: Fact
    by: Actor
    at: datetime
