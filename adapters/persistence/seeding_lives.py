"""Lives that a seeded order may have had, each played once on the real aggregate and written down with blanks.

So whatever the service makes of such a life is what is seeded, and only ids, times and number differ between orders
of the same template.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from adapters.persistence.documents import rendered
from adapters.persistence.orders import event_rows, row_of
from order_service.domain.actor import SYSTEM, Actor, Role
from order_service.domain.editing import Amendment
from order_service.domain.lifecycle import CancelReason, Status
from order_service.domain.lines import LineQuantity, LineRequest
from order_service.domain.money import Money, exponent_of
from order_service.domain.order import Order

COMMON_SKU, RARE_SKU = "MUG", "LIMITED"
MOST_LINES = 3

_START = datetime(2001, 1, 1, tzinfo=UTC)
_TIME = re.compile(r"200[12]-\d\d-\d\dT[\d:]+Z")
_STEP = timedelta(minutes=90)
_TIME_TO_PAY = timedelta(days=400)
"""Long, so that a service started on seeded orders does not begin with canceling half of them."""

_ORDER, _CUSTOMER = UUID(int=0xA << 124), UUID(int=0xB << 124)
_LINES = [UUID(int=0xC << 124 | i) for i in range(MOST_LINES)]
_BLANKS = {str(_ORDER): "%(id)s", str(_CUSTOMER): "%(customer)s"} | {
    str(line): f"%(line{i})s" for i, line in enumerate(_LINES)
}
_STAFF = Actor.account(UUID(int=0xD << 124), Role.OPERATOR)
_OWN = Actor.account(_CUSTOMER, Role.CUSTOMER)


def _first(order: Order) -> list[LineQuantity]:
    return [LineQuantity(order.lines[0].line_id, 1)]


def _pay(order: Order, at: datetime, amount: Money) -> None:
    payment_id = f"pay-{len(order.payments)}-%(number)s"
    order.record_payment(payment_id=payment_id, amount=amount, method="CARD", by=SYSTEM, at=at)


STEPS: Mapping[str, Callable[[Order, datetime], None]] = {
    "screen": lambda order, at: order.process((), by=SYSTEM, at=at),
    "reject": lambda order, at: order.process(("It costs too much.",), by=SYSTEM, at=at),
    "pay": lambda order, at: _pay(order, at, order.open_amount),
    "pay-half": lambda order, at: _pay(order, at, Money(order.total.minor // 2, order.currency)),
    "pay-late": lambda order, at: _pay(order, at, order.total),
    "refund": lambda order, at: order.record_refund(
        refund_id="back-%(number)s", amount=order.refund_due, reason="", by=SYSTEM, at=at
    ),
    "cancel": lambda order, at: order.cancel(reason=CancelReason.OUT_OF_STOCK, window=_STEP, by=_STAFF, at=at),
    "cancel-one": lambda order, at: order.cancel_lines(
        _first(order), reason=CancelReason.OUT_OF_STOCK, by=_STAFF, at=at
    ),
    "ship-one": lambda order, at: order.ship(shipment_id="one-%(number)s", lines=_first(order), by=_STAFF, at=at),
    "ship": lambda order, at: order.ship(shipment_id="all-%(number)s", carrier="DHL", by=_STAFF, at=at),
    "deliver": lambda order, at: order.deliver("all-%(number)s", by=_STAFF, at=at),
    "ask-one": lambda order, at: order.request_return(
        return_id="r-%(number)s", lines=_first(order), reason="Broken", by=_OWN, at=at
    ),
    "ask": lambda order, at: order.request_return(return_id="r-%(number)s", lines=None, reason="", by=_OWN, at=at),
    "receive": lambda order, at: order.receive_return("r-%(number)s", by=_STAFF, at=at),
    "refuse": lambda order, at: order.refuse_return("r-%(number)s", by=_STAFF, at=at),
    "amend": lambda order, at: order.amend(
        Amendment(external_ref="amended-%(number)s", metadata={"gift": "yes"}), by=_OWN, at=at
    ),
}

LIVES: Sequence[tuple[int, str]] = (
    (2, ""),
    (18, "screen"),
    (4, "screen pay-half"),
    (2, "reject"),
    (8, "screen cancel"),
    (2, "screen pay cancel"),
    (2, "screen pay cancel refund"),
    (1, "screen cancel pay-late"),
    (18, "screen pay"),
    (3, "screen pay ship-one"),
    (1, "screen pay cancel-one"),
    (1, "screen pay cancel-one refund"),
    (8, "screen pay ship"),
    (22, "screen pay ship deliver"),
    (2, "screen pay ship deliver ask"),
    (1, "screen pay ship deliver ask-one refuse"),
    (2, "screen pay ship deliver ask-one receive refund"),
    (1, "screen pay ship deliver ask receive refund"),
    (2, "screen amend"),
)
"""How many of a hundred orders, and what happened to them after they were placed."""


@dataclass(frozen=True, slots=True)
class Template:
    """`row` and `events` have `%(name)s` where each order has its own: in texts, and for whole values.

    `is_over`: nothing is left to be done about it. `minutes`: how long after the placing each of the times was that
    it names `t` and their number.
    """

    weight: float
    is_over: bool
    row: dict[str, Any]
    events: Sequence[tuple[int, str, str, str]]
    minutes: Sequence[int]


def templates(random: Random, *, carts_per_life: int = 40) -> list[Template]:
    """The first is the one of the rare sku."""
    rare = _template(carts_per_life / 500, "screen", random, RARE_SKU)
    common = [
        _template(weight, life, random, COMMON_SKU if cart % 3 == 0 else f"SKU-{random.randrange(1000)}")
        for weight, life in LIVES
        for cart in range(carts_per_life)
    ]
    return [rare, *common]


def _template(weight: float, life: str, random: Random, sku: str) -> Template:
    order = _placed(random, sku)
    view = rendered(order)
    events = list(event_rows(order, view))
    for number, step in enumerate(life.split(), start=1):
        STEPS[step](order, _START + number * _STEP)
        view = rendered(order)
        events += event_rows(order, view)
    row, _ = row_of(order)
    row |= {name: _blank(str(value)) for name, value in row.items() if isinstance(value, str | UUID)}
    row |= {name: _time_blank(row[name]) for name in ("pay_by", "placed_at", "updated_at")}
    told = [
        (event["seq"], event["type"], _blank(event["payload"]), _time_blank(event["occurred_at"])) for event in events
    ]
    named = re.findall(r"%\(t(\d+)\)s", "".join([row["body"], *(payload for _, _, payload, _ in told)]))
    is_over = order.status in {Status.DELIVERED, Status.CANCELED}
    return Template(weight, is_over, row, told, sorted({int(minutes) for minutes in named}))


def _placed(random: Random, sku: str) -> Order:
    currency = random.choices(["EUR", "USD", "JPY", "KWD"], [6, 2, 1, 1])[0]
    unit = 10 ** exponent_of(currency)
    lines = [
        LineRequest(
            line_id=_LINES[i],
            name=f"{random.choice(['Blue', 'Red', 'Big', 'Old'])} {random.choice(['mug', 'lamp', 'chair'])}",
            quantity=random.randint(2, 5),
            unit_price=str(Money(random.randint(1, 400 * unit), currency)),
            sku=sku if i == 0 else random.choice([None, f"SKU-{random.randrange(1000)}"]),
        )
        for i in range(random.choices(range(1, MOST_LINES + 1), [6, 3, 1])[0])
    ]
    metadata = {"channel": random.choice(["web", "web", "web", "app"]), "cart": "%(number)s"}
    return Order.place(
        id=_ORDER,
        number="%(number)s",
        customer_id=_CUSTOMER,
        currency=currency,
        lines=lines,
        by=_OWN,
        at=_START,
        pay_by=_START + _TIME_TO_PAY,
        external_ref="web-%(number)s" if random.random() < 0.3 else None,
        metadata=metadata | ({"campaign": "spring"} if random.random() < 0.02 else {}),
    )


def _blank(said: str) -> str:
    for known, blank in _BLANKS.items():
        said = said.replace(known, blank)
    return _TIME.sub(lambda time: _time_blank(datetime.fromisoformat(time[0])), said)


def _time_blank(time: datetime) -> str:
    return f"%(t{(time - _START) // timedelta(minutes=1)})s"
