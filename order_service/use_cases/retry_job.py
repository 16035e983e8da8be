"""Have a dead job done after all."""

from order_service.domain.actor import Actor, Scope
from order_service.ports import Clock, DeadJob, Deed, Deeds, Ids, JobBoard
from order_service.use_cases.administration import require_operator


class RetryJob:
    """Staff, and whoever runs the service. It is written down before, so that nothing is done that is not.

    Raises InsufficientScope, NotAllowed, JobNotFound.
    """

    def __init__(self, jobs: JobBoard, deeds: Deeds, ids: Ids, clock: Clock) -> None:
        self._jobs = jobs
        self._deeds = deeds
        self._ids = ids
        self._clock = clock

    async def __call__(self, job_id: str, *, by: Actor) -> DeadJob:
        require_operator(by, scope=Scope.ORDERS_WRITE)
        deed = Deed(id=self._ids.new(), at=self._clock.now(), by=by, what="retry job", subject=job_id)
        await self._deeds.add(deed)
        return await self._jobs.retry(job_id)
