"""Have a dead job done after all."""

from order_service.domain.actor import Actor, Scope
from order_service.ports import DeadJob, JobBoard
from order_service.use_cases.administration import require_operator
from order_service.use_cases.write_down import WriteDown


class RetryJob:
    """Staff, and whoever runs the service. Raises InsufficientScope, NotAllowed, JobNotFound."""

    def __init__(self, jobs: JobBoard, write_down: WriteDown) -> None:
        self._jobs = jobs
        self._write_down = write_down

    async def __call__(self, job_id: str, *, by: Actor) -> DeadJob:
        require_operator(by, scope=Scope.ORDERS_WRITE)
        await self._write_down("retry job", job_id, by=by)
        return await self._jobs.retry(job_id)
