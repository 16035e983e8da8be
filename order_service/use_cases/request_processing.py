"""Ask for an order to be screened, now or again."""

from uuid import UUID

from order_service.domain.actor import Actor
from order_service.ports import JobQueue, Transactions


class RequestProcessing:
    """Staff or a service, for an order that is still QUEUED. Raises OrderNotFound, NotAllowed, AlreadyProcessed."""

    def __init__(self, transactions: Transactions, jobs: JobQueue) -> None:
        self._transactions = transactions
        self._jobs = jobs

    async def __call__(self, order_id: UUID, *, by: Actor) -> None:
        async with self._transactions.begin() as tx:
            order = await tx.orders.get(order_id, only_of=by.only_own)
        order.require_unprocessed(by=by)
        await self._jobs.enqueue_processing(order_id)
