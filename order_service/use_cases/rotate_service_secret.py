"""Give another system a new secret."""

from order_service.domain.service import client_secret
from order_service.ports import Clock, Ids, Transactions
from order_service.use_cases.create_service import NewSecret


class RotateServiceSecret:
    """Whoever runs the service. The former secret is good for nothing any more.

    Its access tokens hold for a second more, at most. Raises ServiceNotFound.
    """

    def __init__(self, transactions: Transactions, clock: Clock, ids: Ids) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def __call__(self, name: str) -> NewSecret:
        secret, now = self._ids.new_secret(), self._clock.now()
        async with self._transactions.begin() as tx:
            service = await tx.services.named(name)
            tx.services.end_secret(service.secret_id, at=now)
            service.rotate(secret_id=self._ids.new(), secret=secret, at=now)
            tx.services.save(service)
            await tx.commit()
        return NewSecret(service=service, secret=client_secret(secret))
