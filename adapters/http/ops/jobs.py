"""The job queue, and jobs that were tried for the last time."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from adapters.http.content import Checked, takes_form
from adapters.http.ops.overview import Watch
from adapters.http.ops.rendering import AnyRequest, By, SomePages, see_other
from order_service.domain.errors import DependencyUnavailable, JobNotFound
from order_service.use_cases.retry_job import RetryJob
from order_service.use_cases.see_machinery import SeeMachinery

_DONE = {"retried": "The job waits to be done again."}


@get("/jobs")
async def jobs(
    request: AnyRequest,
    pages: SomePages,
    by: By,
    see_machinery: NamedDependency[SeeMachinery],
    watch: NamedDependency[SkipValidation[Watch]],
    done: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Response[bytes]:
    state = await see_machinery.jobs(by=by)
    return pages.page(request, "jobs.html", jobs=state, is_shared=watch.is_shared("redis"), done=_DONE.get(done))


@get("/jobs/{job_id:uuid}/retry")
async def ask_to_retry(
    job_id: FromPath[UUID],
    request: AnyRequest,
    pages: SomePages,
    by: By,
    see_machinery: NamedDependency[SeeMachinery],
) -> Response[bytes]:
    state = await see_machinery.jobs(by=by)
    if state is None:
        raise DependencyUnavailable("Redis")
    for job in state.newest_dead:
        if job.id == str(job_id) and job.order_ids:
            return pages.page(request, "job_retry.html", job=job)
    raise JobNotFound


@post("/jobs/{job_id:uuid}/retry", middleware=[Checked(takes_form)])
async def retry(job_id: FromPath[UUID], by: By, retry_job: NamedDependency[RetryJob]) -> Response[bytes]:
    await retry_job(str(job_id), by=by)
    return see_other("/ops/jobs?done=retried")


ROUTES = [jobs, ask_to_retry, retry]
