"""See which other systems may act here."""

from collections.abc import Sequence

from order_service.domain.service import Service
from order_service.ports import Transactions


class ListServices:
    """Whoever runs the service: all of them, by name."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def __call__(self) -> Sequence[Service]:
        async with self._transactions.begin() as tx:
            return await tx.services.all()
