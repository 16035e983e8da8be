"""The end of an account, and of what its customer wrote.

The event log is append-only for everybody else. Here, and nowhere else, events are written again: what a person wrote
goes out of them. Their places, seqs, types, times and actors stay, so readers of the log notice nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, text, tuple_, update

from adapters.persistence.accounts import account_from, event_rows
from adapters.persistence.connecting import Connecting
from adapters.persistence.documents import order_from, redacted_payload
from adapters.persistence.tables import (
    account_events,
    accounts,
    erasures,
    idempotency,
    order_events,
    orders,
    sessions,
)
from order_service.domain.account import Account
from order_service.domain.actor import Role
from order_service.domain.errors import AccountNotFound
from order_service.domain.lifecycle import Status
from order_service.domain.order import Order

_EVENTS_AT_ONCE = 100

_NOT_OVER = text("""
    (status NOT IN (:delivered, :canceled) OR (body ->> 'refund_due')::numeric > 0
     OR jsonb_path_exists(body::jsonb, '$.returns[*] ? (@.state == "REQUESTED")'))
""").bindparams(delivered=Status.DELIVERED, canceled=Status.CANCELED)

_REWRITE = (
    update(order_events)
    .where(order_events.c.aggregateid == bindparam("of_order"), order_events.c.seq == bindparam("at"))
    .values(payload=bindparam("redacted", type_=order_events.c.payload.type))
)


class SqlErasing:
    def __init__(self, connection: Connecting) -> None:
        self._connection = connection

    async def hold(self, account_id: UUID) -> Account:
        known = select(accounts).where(accounts.c.id == account_id, accounts.c.erased_at.is_(None))
        row = (await self._connection.execute(known.with_for_update())).one_or_none()
        if row is None:
            raise AccountNotFound
        return account_from(row._mapping)

    async def has_other_admin(self, account_id: UUID) -> bool:
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("the last admin"))))
        admins = accounts.c.role == Role.ADMIN, accounts.c.erased_at.is_(None), accounts.c.id != account_id
        return await self._connection.scalar(select(accounts.c.id).where(*admins).limit(1)) is not None

    async def open_orders(self, customer_id: UUID) -> int:
        count = select(func.count()).select_from(orders).where(orders.c.customer_id == customer_id, _NOT_OVER)
        return int(await self._connection.scalar(count) or 0)

    async def end_account(self, account: Account, *, at: datetime) -> None:
        """The ids of sessions stay until they are forgotten as expired: their access tokens are to be refused."""
        nothing = {"token_hash": b"", "former_hash": None}
        times = dict.fromkeys(("began_at", "refreshed_at", "expires_at", "ended_at"), at)
        of_account = sessions.c.account_id == account.id
        await self._connection.execute(update(sessions).where(of_account).values(**nothing, **times))
        gone = {"email": None, "password_hash": None, "version": account.version, "erased_at": at}
        await self._connection.execute(update(accounts).where(accounts.c.id == account.id).values(gone))
        await self._connection.execute(insert(account_events), list(event_rows(account)))
        await self._connection.execute(delete(idempotency).where(idempotency.c.subject == account.id))
        await self._connection.execute(insert(erasures).values(account_id=account.id))

    async def unfinished(self) -> Sequence[UUID]:
        return (await self._connection.scalars(select(erasures.c.account_id).limit(1_000))).all()

    async def next_orders(self, account_id: UUID, *, limit: int) -> Sequence[Order]:
        query = select(erasures).where(erasures.c.account_id == account_id).with_for_update()
        erasure = (await self._connection.execute(query)).one_or_none()
        if erasure is None:
            return ()
        place = orders.c.placed_at, orders.c.id
        ids = select(orders.c.id).where(orders.c.customer_id == account_id).order_by(*place).limit(limit)
        if erasure.order_id is not None:
            ids = ids.where(tuple_(*place) > tuple_(erasure.placed_at, erasure.order_id))
        page = (await self._connection.scalars(ids)).all()
        locked = select(orders.c.body).where(orders.c.id.in_(page)).order_by(orders.c.id).with_for_update()
        found = [order_from(body) for body in (await self._connection.scalars(locked)).all()]
        return sorted(found, key=lambda order: (order.placed_at, order.id))

    async def rewrite(self, account_id: UUID, orders: Sequence[Order]) -> None:
        this = erasures.c.account_id == account_id
        if not orders:
            await self._connection.execute(delete(erasures).where(this))
            return
        await self._rewrite_log([order.id for order in orders])
        last = {"placed_at": orders[-1].placed_at, "order_id": orders[-1].id}
        await self._connection.execute(update(erasures).where(this).values(last))

    async def _rewrite_log(self, order_ids: Sequence[UUID]) -> None:
        place = order_events.c.aggregateid, order_events.c.seq
        events = select(*place, order_events.c.type, order_events.c.payload)
        events = events.where(order_events.c.aggregateid.in_(order_ids)).order_by(*place).limit(_EVENTS_AT_ONCE)
        rows: Sequence[Any] = (await self._connection.execute(events)).all()
        while rows:
            redacted = [(row.aggregateid, row.seq, redacted_payload(row.type, row.payload)) for row in rows]
            changed = [
                {"of_order": order_id, "at": seq, "redacted": payload}
                for order_id, seq, payload in redacted
                if payload is not None
            ]
            if changed:
                await self._connection.execute(_REWRITE, changed)
            here = tuple_(literal_column(f"'{rows[-1].aggregateid}'::uuid"), rows[-1].seq)
            rows = (await self._connection.execute(events.where(tuple_(*place) > here))).all()
