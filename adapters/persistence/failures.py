"""What PostgreSQL refuses, in the words of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from order_service.domain.errors import (
    AccountChangedMeanwhile,
    DependencyUnavailable,
    EmailTaken,
    ExternalRefTaken,
    IdempotencyKeyTaken,
    MessageKnown,
    OrderChangedMeanwhile,
    OrderNumberTaken,
    OrderServiceError,
    ServiceNameTaken,
)

REFUSAL_BY_CONSTRAINT: dict[str, type[OrderServiceError]] = {
    "pk_idempotency": IdempotencyKeyTaken,
    "pk_inbox": MessageKnown,
    "uq_account_events_account_id_seq": AccountChangedMeanwhile,
    "uq_accounts_email": EmailTaken,
    "uq_services_name": ServiceNameTaken,
    "uq_orders_external_ref_customer_id": ExternalRefTaken,
    "uq_orders_number": OrderNumberTaken,
    "uq_order_events_aggregateid_seq": OrderChangedMeanwhile,
}

_GONE = ("08", "57P", "53")  # SQLSTATE classes: connection lost, shutting down or starting up, out of resources

_LOCKED = "55P03"

_DEADLOCK = "40P01"  # two who change several orders each waited for the other; this one gave way


@contextmanager
def in_domain_words() -> Iterator[None]:
    """Turns a broken constraint, or a database that does not answer, into the domain's error for it."""
    try:
        yield
    except IntegrityError as error:
        refusal = REFUSAL_BY_CONSTRAINT.get(_constraint(_cause(error)))
        if refusal is None:
            raise
        raise refusal from error
    except DBAPIError as error:
        state = getattr(_cause(error), "sqlstate", None)
        if state == _DEADLOCK:
            raise OrderChangedMeanwhile from error
        if error.connection_invalidated or means_gone(state):
            raise DependencyUnavailable("PostgreSQL") from error
        raise
    except asyncpg.PostgresError as error:  # of a statement that went to the driver itself
        if not means_gone(error.sqlstate):
            raise
        raise DependencyUnavailable("PostgreSQL") from error
    except (PoolTimeout, OSError) as error:  # every connection is busy; or none can be made
        raise DependencyUnavailable("PostgreSQL") from error


def means_gone(sqlstate: str | None) -> bool:
    return str(sqlstate).startswith(_GONE)


def means_locked(error: DBAPIError) -> bool:
    """Somebody else's lock was not waited for any longer than the transaction had allowed itself to."""
    return getattr(_cause(error), "sqlstate", None) == _LOCKED


def _constraint(error: BaseException | None) -> str:
    """By the name that it has in the event log itself, where that of a partition is broken."""
    name, table = str(getattr(error, "constraint_name", "")), str(getattr(error, "table_name", ""))
    return name.replace(table, "order_events") if table.startswith("order_events_") else name


def driver_error(error: BaseException) -> BaseException:
    """What the driver itself said, without what SQLAlchemy put around it."""
    return (_cause(error) if isinstance(error, DBAPIError) else None) or error


def _cause(error: DBAPIError) -> BaseException | None:
    return error.orig.__cause__ if error.orig is not None else None
