"""What each shop decides for itself."""

from dataclasses import dataclass, field
from datetime import timedelta

from order_service.domain.screening import ScreeningLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRules:
    """`time_to_pay` runs from placing; `cancel_window` from when the order was paid in full."""

    time_to_pay: timedelta = timedelta(days=3)
    cancel_window: timedelta = timedelta(minutes=30)
    screening: ScreeningLimits = field(default_factory=ScreeningLimits)
