"""Let another system in no more."""

from order_service.ports import Clock, Transactions


class RemoveService:
    """Whoever runs the service. Its access tokens hold for a second more, at most; what it did stays in the log.

    Raises ServiceNotFound.
    """

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def __call__(self, name: str) -> None:
        async with self._transactions.begin() as tx:
            service = await tx.services.named(name)
            tx.services.end_secret(service.secret_id, at=self._clock.now())
            tx.services.remove(service)
            await tx.commit()
