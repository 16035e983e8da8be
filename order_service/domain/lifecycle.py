"""Where an order can be, and which operation is open to whom there."""

from collections.abc import Mapping, Set
from enum import StrEnum
from types import MappingProxyType

from order_service.domain.actor import ActorKind, Scope


class Status(StrEnum):
    """The life of an order in one word. Derived from its facts, never set."""

    PENDING = "PENDING"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELED = "CANCELED"


class ProcessingStatus(StrEnum):
    QUEUED = "QUEUED"
    PROCESSED = "PROCESSED"
    REJECTED = "REJECTED"


class PaymentStatus(StrEnum):
    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "UNFULFILLED"
    PARTIAL = "PARTIAL"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"


class ReturnStatus(StrEnum):
    NONE = "NONE"
    REQUESTED = "REQUESTED"
    PARTIAL = "PARTIAL"
    RETURNED = "RETURNED"


class ReturnState(StrEnum):
    """Of one return: it is asked for, and then what came back is received, or refused."""

    REQUESTED = "REQUESTED"
    RECEIVED = "RECEIVED"
    REFUSED = "REFUSED"


class CancelReason(StrEnum):
    CUSTOMER_REQUEST = "CUSTOMER_REQUEST"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    FRAUD = "FRAUD"
    OTHER = "OTHER"


class Operation(StrEnum):
    PROCESS = "process"
    RECORD_PAYMENT = "record a payment for"
    RECORD_REFUND = "record a refund for"
    SHIP = "ship"
    DELIVER = "deliver"
    CANCEL = "cancel"
    CANCEL_LINES = "cancel lines of"
    EDIT_LINES = "edit the lines of"
    REQUEST_RETURN = "request a return for"
    RESOLVE_RETURN = "receive or refuse a return for"
    AMEND = "amend"
    REDACT = "redact"


class Party(StrEnum):
    """How an actor stands to an order: its customer, the shop's staff, another system, or we ourselves."""

    OWN = "own"
    STAFF = "staff"
    SERVICE = "service"
    SYSTEM = "system"


PARTY_OF: Mapping[ActorKind, Party] = MappingProxyType(
    {
        ActorKind.CUSTOMER: Party.OWN,
        ActorKind.OPERATOR: Party.STAFF,
        ActorKind.ADMIN: Party.STAFF,
        ActorKind.SERVICE: Party.SERVICE,
        ActorKind.SYSTEM: Party.SYSTEM,
    }
)

_PENDING, _PAID = Status.PENDING, Status.PAID
_SHIPPED, _DELIVERED, _CANCELED = Status.SHIPPED, Status.DELIVERED, Status.CANCELED
_ANY = frozenset(Status)

ALLOWED: Mapping[Operation, Mapping[Party, Set[Status]]] = MappingProxyType(
    {
        # Screening must end for every order; once goods have left or the order is off, it can only take note.
        Operation.PROCESS: {Party.STAFF: _ANY, Party.SERVICE: _ANY, Party.SYSTEM: _ANY},
        # Money that came in has come in: another system tells a fact, while staff may have made a slip.
        Operation.RECORD_PAYMENT: {Party.STAFF: {_PENDING}, Party.SERVICE: _ANY, Party.SYSTEM: _ANY},
        # And money that went back has gone back.
        Operation.RECORD_REFUND: {Party.STAFF: _ANY, Party.SERVICE: _ANY, Party.SYSTEM: _ANY},
        Operation.SHIP: {Party.STAFF: {_PAID}, Party.SERVICE: {_PAID}, Party.SYSTEM: {_PAID}},
        Operation.DELIVER: {
            Party.STAFF: {_PAID, _SHIPPED, _DELIVERED},
            Party.SERVICE: {_PAID, _SHIPPED, _DELIVERED},
            Party.SYSTEM: {_PAID, _SHIPPED, _DELIVERED},
        },
        Operation.CANCEL: {
            Party.OWN: {_PENDING, _PAID, _CANCELED},
            Party.STAFF: {_PENDING, _PAID, _CANCELED},
            Party.SERVICE: {_PENDING, _PAID, _CANCELED},
            Party.SYSTEM: {_PENDING, _CANCELED},
        },
        # What the shop cannot deliver. The customer calls off the whole order, or nothing.
        Operation.CANCEL_LINES: {Party.STAFF: {_PENDING, _PAID}, Party.SERVICE: {_PENDING, _PAID}},
        Operation.EDIT_LINES: {Party.OWN: {_PENDING}, Party.STAFF: {_PENDING}, Party.SERVICE: {_PENDING}},
        # From the first parcel on; which goods have left, the aggregate knows.
        Operation.REQUEST_RETURN: {
            Party.OWN: {_PAID, _SHIPPED, _DELIVERED},
            Party.STAFF: {_PAID, _SHIPPED, _DELIVERED},
            Party.SERVICE: {_PAID, _SHIPPED, _DELIVERED},
        },
        Operation.RESOLVE_RETURN: {
            Party.STAFF: {_PAID, _SHIPPED, _DELIVERED},
            Party.SERVICE: {_PAID, _SHIPPED, _DELIVERED},
            Party.SYSTEM: {_PAID, _SHIPPED, _DELIVERED},
        },
        Operation.AMEND: {Party.OWN: _ANY - {_CANCELED}, Party.STAFF: _ANY, Party.SERVICE: _ANY},
        # The customer asks for it by erasing the account, not an order.
        Operation.REDACT: {Party.SYSTEM: _ANY},
    }
)
"""The transition table: who may do what, and in which status. What is not in it is refused.

DELIVER from DELIVERED and CANCEL from CANCELED are open because arriving where one is changes nothing.
"""

NEEDS: Mapping[Operation, Scope] = MappingProxyType(
    {
        Operation.PROCESS: Scope.ORDERS_WRITE,
        Operation.RECORD_PAYMENT: Scope.PAYMENTS_WRITE,
        Operation.RECORD_REFUND: Scope.PAYMENTS_WRITE,
        Operation.SHIP: Scope.SHIPMENTS_WRITE,
        Operation.DELIVER: Scope.SHIPMENTS_WRITE,
        Operation.CANCEL: Scope.ORDERS_WRITE,
        Operation.CANCEL_LINES: Scope.ORDERS_WRITE,
        Operation.EDIT_LINES: Scope.ORDERS_WRITE,
        Operation.REQUEST_RETURN: Scope.ORDERS_WRITE,
        Operation.RESOLVE_RETURN: Scope.RETURNS_WRITE,
        Operation.AMEND: Scope.ORDERS_WRITE,
        Operation.REDACT: Scope.ORDERS_WRITE,
    }
)
"""What the token of whoever asks must open, whatever the way the operation is asked for."""

NEXT: Mapping[Status, tuple[Status, ...]] = MappingProxyType(
    {
        _PENDING: (_PAID, _CANCELED),
        _PAID: (_SHIPPED, _CANCELED),
        _SHIPPED: (_DELIVERED,),
        _DELIVERED: (),
        _CANCELED: (),
    }
)
"""Where an order may go from where it is."""

MOVE_BY: Mapping[Status, Operation] = MappingProxyType(
    {
        _PAID: Operation.RECORD_PAYMENT,
        _SHIPPED: Operation.SHIP,
        _DELIVERED: Operation.DELIVER,
        _CANCELED: Operation.CANCEL,
    }
)
"""The operation that takes an order to a status."""
