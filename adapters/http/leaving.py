"""A process that is about to stop, and lets its clients go one by one instead of hanging up on them."""

from dataclasses import dataclass


@dataclass(slots=True)
class Leaving:
    """From when `begun` is set, /readyz says no, and each answer is the last one on its connection."""

    begun: bool = False
