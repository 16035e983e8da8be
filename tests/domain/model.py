"""An order in plain numbers: the rules of the domain written down once more, without a line of the service's code.

Amounts are minor units, times minutes since noon, and who acts is a word: owner, stranger, staff or system. A verb
gives what it makes known ("order.paid 20.00"), or raises Refused with the name of the error.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

EXPONENTS = {"JPY": 0, "EUR": 2, "KWD": 3, "CLF": 4}
CANCEL_WINDOW = 30
TIME_TO_PAY = 24 * 60
REASONS_OF_THE_OWNER = ("CUSTOMER_REQUEST", "OTHER")
LIFE = ("PENDING", "PAID", "SHIPPED", "DELIVERED")

Asked = Sequence[tuple[UUID, int]] | None
"""So many of a line, and of another; None for all that is left."""


class Refused(Exception):
    pass


@dataclass
class Line:
    quantity: int
    price: int
    canceled: int = 0


@dataclass
class GoodsBack:
    lines: Mapping[UUID, int]
    state: str = "REQUESTED"


def require(holds: object, error: str) -> None:
    if not holds:
        raise Refused(error)


@dataclass
class ModelOrder:
    currency: str
    lines: dict[UUID, Line]
    payments: dict[str, tuple[int, int]] = field(default_factory=dict)  # how much, and when
    refunds: dict[str, int] = field(default_factory=dict)
    parcels: dict[str, Mapping[UUID, int]] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)
    returns: dict[str, GoodsBack] = field(default_factory=dict)
    canceled: bool = False
    screened: str = "QUEUED"
    external_ref: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    now: int = 0
    paid_at: int | None = None

    # What follows from it

    def text(self, minor: int) -> str:
        return f"{Decimal(minor).scaleb(-EXPONENTS[self.currency]):f}"

    @property
    def total(self) -> int:
        return sum(line.quantity * line.price for line in self.lines.values())

    @property
    def price(self) -> int:
        return sum((line.quantity - line.canceled) * line.price for line in self.lines.values())

    @property
    def cost(self) -> int:
        back = self.returned("RECEIVED")
        return (
            0
            if self.canceled
            else self.price - sum(back[line_id] * line.price for line_id, line in self.lines.items())
        )

    @property
    def captured(self) -> int:
        return sum(minor for minor, _ in self.payments.values())

    @property
    def refunded(self) -> int:
        return sum(self.refunds.values())

    @property
    def open(self) -> int:
        """Money that went back before the order was paid is to be paid again; what went back later is not."""
        missing = self.refunded if self.paid_at is None else 0
        return max(self.cost - self.captured + missing, 0)

    @property
    def refund_due(self) -> int:
        return max(self.captured - self.refunded - self.cost, 0)

    @property
    def shipped(self) -> Counter[UUID]:
        return sum((Counter(parcel) for parcel in self.parcels.values()), Counter())

    def returned(self, *states: str) -> Counter[UUID]:
        return sum((Counter(back.lines) for back in self.returns.values() if back.state in states), Counter())

    @property
    def to_ship(self) -> dict[UUID, int]:
        shipped = self.shipped
        return {line_id: line.quantity - line.canceled - shipped[line_id] for line_id, line in self.lines.items()}

    @property
    def to_return(self) -> dict[UUID, int]:
        shipped, spoken_for = self.shipped, self.returned("REQUESTED", "RECEIVED")
        return {line_id: shipped[line_id] - spoken_for[line_id] for line_id in self.lines}

    @property
    def status(self) -> str:
        if self.canceled:
            return "CANCELED"
        if self.fulfillment_status in ("SHIPPED", "DELIVERED"):
            return self.fulfillment_status
        return "PENDING" if self.open else "PAID"

    @property
    def payment_status(self) -> str:
        if self.refunded:
            return "REFUNDED" if self.refunded == self.captured else "PARTIALLY_REFUNDED"
        if self.captured >= self.price:
            return "PAID"
        return "PARTIALLY_PAID" if self.captured else "UNPAID"

    @property
    def fulfillment_status(self) -> str:
        if not self.parcels:
            return "UNFULFILLED"
        if any(self.to_ship.values()):
            return "PARTIAL"
        return "DELIVERED" if self.arrived == set(self.parcels) else "SHIPPED"

    @property
    def return_status(self) -> str:
        received = self.returned("RECEIVED")
        if received:
            wanted = {line_id: line.quantity - line.canceled for line_id, line in self.lines.items()}
            return "RETURNED" if all(received[line_id] == wanted[line_id] for line_id in wanted) else "PARTIAL"
        return "REQUESTED" if self.returned("REQUESTED") else "NONE"

    def seen(self) -> dict[str, object]:
        """What everybody should see of the order."""
        shipped, returned = self.shipped, self.returned("RECEIVED")
        return {
            "status": self.status,
            "processing_status": self.screened,
            "payment_status": self.payment_status,
            "fulfillment_status": self.fulfillment_status,
            "return_status": self.return_status,
            "total": self.text(self.total),
            "captured": self.text(self.captured),
            "refunded": self.text(self.refunded),
            "refund_due": self.text(self.refund_due),
            "open": self.text(self.open),
            "lines": [
                (line_id, line.quantity, self.text(line.price), shipped[line_id], line.canceled, returned[line_id])
                for line_id, line in self.lines.items()
            ],
            "payments": {known: self.text(minor) for known, (minor, _) in self.payments.items()},
            "refunds": {known: self.text(minor) for known, minor in self.refunds.items()},
            "parcels": {known: (dict(parcel), known in self.arrived) for known, parcel in self.parcels.items()},
            "returns": {known: (dict(back.lines), back.state) for known, back in self.returns.items()},
            "external_ref": self.external_ref,
            "metadata": self.metadata,
            "paid_at": self.paid_at,
        }

    # What may be done

    def place(self) -> list[str]:
        placed = f"order.placed {self.text(self.total)}"
        return [placed, *self._reached_since("PENDING")]

    def process(self, findings: Sequence[str], by: str) -> list[str]:
        require(by in ("staff", "system"), "NotAllowed")
        if self.screened != "QUEUED":
            return []
        if not findings or self.parcels or self.canceled:
            self.screened = "PROCESSED"
            return ["order.processed"]
        self.screened, self.canceled = "REJECTED", True
        return [
            "order.rejected",
            "order.canceled",
            *self._owed_since(max(self.captured - self.refunded - self.price, 0)),
        ]

    def pay(self, id: str, minor: int, currency: str, by: str, now: int) -> list[str]:
        require(by in ("staff", "system"), "NotAllowed")
        if id in self.payments:
            require(by == "system", "PaymentKnown")
            return []
        require(by == "system" or self.status == "PENDING", "IllegalTransition")
        require(currency == self.currency and minor > 0, "InvalidField")
        require(by == "system" or minor <= self.open, "Overpayment")
        status, owed = self.status, self.refund_due
        self.payments[id] = (minor, now)
        return [f"order.payment_recorded {self.text(minor)}", *self._reached_since(status), *self._owed_since(owed)]

    def refund(self, id: str, minor: int, currency: str, by: str) -> list[str]:
        require(by in ("staff", "system"), "NotAllowed")
        if id in self.refunds:
            require(by == "system", "RefundKnown")
            return []
        require(currency == self.currency and minor > 0, "InvalidField")
        require(minor <= self.captured - self.refunded, "RefundExceedsCaptured")
        self.refunds[id] = minor
        return [f"order.refunded {self.text(minor)}"]

    def ship(self, id: str, asked: Asked, by: str) -> list[str]:
        require(by in ("staff", "system"), "NotAllowed")
        if id in self.parcels:
            return []
        require(self.status == "PAID", "IllegalTransition")
        parcel = self._named(asked, self.to_ship, "OverShipment")
        status = self.status
        self.parcels[id] = parcel
        return ["order.shipment_dispatched", *self._reached_since(status)]

    def deliver(self, id: str, by: str) -> list[str]:
        require(by in ("staff", "system"), "NotAllowed")
        require(self.status in ("PAID", "SHIPPED", "DELIVERED"), "IllegalTransition")
        require(id in self.parcels, "ShipmentNotFound")
        if id in self.arrived:
            return []
        status = self.status
        self.arrived.add(id)
        return ["order.shipment_delivered", *self._reached_since(status)]

    def cancel(self, reason: str, by: str, now: int) -> list[str]:
        require(by != "stranger", "NotAllowed")
        if self.canceled:
            return []
        require(self.status == "PENDING" or (self.status == "PAID" and by != "system"), "IllegalTransition")
        require(not self.parcels, "IllegalTransition")
        if by == "owner":
            require(self.paid_at is None or now <= self.paid_at + CANCEL_WINDOW, "CancelWindowClosed")
            require(reason in REASONS_OF_THE_OWNER, "InvalidField")
        require(by != "system" or now >= TIME_TO_PAY, "NotAllowed")
        owed = self.refund_due
        self.canceled = True
        return ["order.canceled", *self._owed_since(owed)]

    def cancel_lines(self, asked: Asked, by: str) -> list[str]:
        require(by == "staff", "NotAllowed")
        require(self.status in ("PENDING", "PAID"), "IllegalTransition")
        taken = self._named(asked, self.to_ship, "OverCancellation")
        wanted = sum(line.quantity - line.canceled for line in self.lines.values())
        require(sum(taken.values()) < wanted, "InvalidField")
        status, owed = self.status, self.refund_due
        for line_id, quantity in taken.items():
            self.lines[line_id].canceled += quantity
        told = [f"order.line_canceled {quantity}" for quantity in taken.values()]
        return [*told, *self._reached_since(status), *self._owed_since(owed)]

    def edit(self, wanted: Sequence[tuple[UUID | None, UUID, int, int]], total: int | None, by: str) -> list[str]:
        """`wanted`: the line that is kept, the name of a new one, quantity and price."""
        require(by in ("owner", "staff"), "NotAllowed")
        require(self.status == "PENDING", "IllegalTransition")
        require(not self.captured, "AlreadyPaid")
        keeps = [kept for kept, *_ in wanted if kept]
        require(wanted and len(keeps) == len(set(keeps)) and set(keeps) <= set(self.lines), "InvalidField")
        require(all(1 <= quantity <= 1_000_000 for *_, quantity, _ in wanted), "InvalidField")
        canceled = {line_id: line.canceled for line_id, line in self.lines.items()}
        lines = {
            kept or new: Line(quantity, price, canceled.get(kept, 0) if kept else 0)
            for kept, new, quantity, price in wanted
        }
        require(all(line.quantity >= line.canceled for line in lines.values()), "InvalidField")
        require(any(line.quantity > line.canceled for line in lines.values()), "InvalidField")
        require(total in (None, sum(line.quantity * line.price for line in lines.values())), "TotalMismatch")
        if list(lines.items()) == list(self.lines.items()):
            return []
        status = self.status
        self.lines, self.screened = lines, "QUEUED"
        return [f"order.edited {self.text(self.total)}", *self._reached_since(status)]

    def amend(self, notes: Mapping[str, str | None], metadata: Mapping[str, str | None], by: str) -> list[str]:
        """`notes` holds an external_ref, if it is to be another."""
        require(by in ("owner", "staff"), "NotAllowed")
        require(by == "staff" or not self.canceled, "IllegalTransition")
        external_ref = notes.get("external_ref", self.external_ref)
        merged = {key: value for key, value in {**self.metadata, **metadata}.items() if value is not None}
        require(external_ref is None or 1 <= len(external_ref) <= 100, "InvalidField")
        require(all(1 <= len(key) <= 40 and len(value) <= 500 for key, value in merged.items()), "InvalidField")
        if (external_ref, merged) == (self.external_ref, self.metadata):
            return []
        self.external_ref, self.metadata = external_ref, merged
        return ["order.amended"]

    def ask_back(self, id: str, asked: Asked, by: str) -> list[str]:
        require(by in ("owner", "staff"), "NotAllowed")
        require(self.status in ("PAID", "SHIPPED", "DELIVERED"), "IllegalTransition")
        if id in self.returns:
            return []
        require(any(self.to_return.values()), "NothingToReturn")
        self.returns[id] = GoodsBack(self._named(asked, self.to_return, "OverReturn"))
        return ["order.return_requested"]

    def resolve(self, id: str, state: str, by: str) -> list[str]:
        require(by in ("staff", "system"), "NotAllowed")
        require(self.status in ("PAID", "SHIPPED", "DELIVERED"), "IllegalTransition")
        require(id in self.returns, "ReturnNotFound")
        back = self.returns[id]
        if back.state == state:
            return []
        require(back.state == "REQUESTED", "ReturnResolved")
        owed = self.refund_due
        back.state = state
        return [f"order.return_{state.lower()}", *self._owed_since(owed)]

    def move(self, to: str, fact_id: str, by: str, now: int) -> list[str]:
        require(to != "PENDING", "IllegalTransition")
        require(by in ("staff", "system") or (by == "owner" and to == "CANCELED"), "NotAllowed")
        if to == self.status:
            return []
        onward = {"PENDING": ("PAID", "CANCELED"), "PAID": ("SHIPPED", "CANCELED"), "SHIPPED": ("DELIVERED",)}
        require(to in onward.get(self.status, ()), "IllegalTransition")
        match to:
            case "PAID":
                return self.pay(fact_id, self.open, self.currency, by, now)
            case "SHIPPED":
                return self.ship(fact_id, None, by)
            case "DELIVERED":
                return [told for known in self.parcels for told in self.deliver(known, by)]
        return self.cancel("OTHER", by, now)

    def _named(self, asked: Asked, left: Mapping[UUID, int], too_many: str) -> Mapping[UUID, int]:
        if asked is None:
            return {line_id: quantity for line_id, quantity in left.items() if quantity}
        require(asked, "InvalidField")
        named: dict[UUID, int] = {}
        for line_id, quantity in asked:
            require(line_id in left and quantity > 0, "InvalidField")
            named[line_id] = named.get(line_id, 0) + quantity
            require(named[line_id] <= left[line_id], too_many)
        return named

    def _reached_since(self, status: str) -> list[str]:
        if self.canceled:
            return []
        told = {"PAID": f"order.paid {self.text(self.captured)}", "SHIPPED": "order.shipped"}
        told["DELIVERED"] = "order.delivered"
        reached = LIFE[LIFE.index(status) + 1 : LIFE.index(self.status) + 1]
        if "PAID" in reached:
            self.paid_at = self.now
        return [told[one] for one in reached]

    def _owed_since(self, owed: int) -> list[str]:
        return [f"order.refund_due {self.text(self.refund_due)}"] if self.refund_due > owed else []
