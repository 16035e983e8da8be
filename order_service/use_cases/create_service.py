"""Let another system in."""

from collections.abc import Set
from dataclasses import dataclass, field

from order_service.domain.actor import Scope
from order_service.domain.service import Service, client_secret
from order_service.ports import Clock, Ids, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """`secret` is nowhere kept: whoever loses it needs another."""

    service: Service
    secret: str = field(repr=False)


class CreateService:
    """Whoever runs the service. Raises InvalidField, ServiceNameTaken."""

    def __init__(self, transactions: Transactions, clock: Clock, ids: Ids) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def __call__(self, name: str, scopes: Set[Scope]) -> NewSecret:
        secret = self._ids.new_secret()
        service = Service.create(
            id=self._ids.new(),
            name=name,
            scopes=scopes,
            secret_id=self._ids.new(),
            secret=secret,
            at=self._clock.now(),
        )
        async with self._transactions.begin() as tx:
            tx.services.add(service)
            await tx.commit()
        return NewSecret(service=service, secret=client_secret(secret))
