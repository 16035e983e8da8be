"""Money that came in for an order, and money that went back."""

from dataclasses import dataclass
from datetime import datetime

from order_service.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """`payment_id` is the payment service's own name for it; an order knows each only once."""

    payment_id: str
    amount: Money
    method: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`refund_id` is the payment service's own name for it; an order knows each only once."""

    refund_id: str
    amount: Money
    reason: str
    recorded_at: datetime
