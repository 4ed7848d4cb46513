"""`jobs.*`: the durable queue."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from edged.errors import BadRequest
from edged.jobs.orders import TranscribeFile
from edged.messages import requests
from edged.messages.replies import AnyReply, Done, Jobs, OneJob, Progress
from edged.pipeline import sources
from edged.pipeline.sources import Source
from edged.pipeline.uploads import check_whole
from edged.service.house import House
from edged.service.paths import absolute
from edged.service.transcribe import active
from edged.store import jobs, outcomes, uploads


async def submit(house: House, request: requests.JobsSubmit) -> AsyncGenerator[AnyReply, None]:
    """Queue a file or an upload; a file is hashed first, which takes its time for a long one."""
    lexicons = await active(house, request.lexicons)
    plan = house.pipeline.plan(model=request.model, language=request.language)
    yield Progress(stage="read", fraction=0.0)
    source = await _content(house, request)
    source.owner = house.asker.client_id
    try:
        order = TranscribeFile(
            path=source.path,
            upload_id=request.upload_id,
            name=source.name,
            model=plan.model,
            language=plan.language,
            keep_audio=request.keep_audio,
            diarize=request.diarize,
            speakers=request.speakers or 0,
            lexicons=lexicons,
        )
        job, existing = await house.work.submit(source, order, plan, priority=request.priority)
    finally:
        source.close()
    house.runner.wake()
    yield OneJob(job=job, existing=existing)


async def _content(house: House, request: requests.JobsSubmit) -> Source:
    """What the job is about; an upload is not read yet.

    Raises:
        BadRequest: neither a path nor an upload, or both.
    """
    if (request.path is None) == (request.upload_id is None):
        raise BadRequest("give either a path or an upload", fix="send one of the two fields")
    if request.path is not None:
        source = await sources.from_path(absolute(request.path))
        source.name = request.name or source.name
        return source
    upload_id, owner = request.upload_id or "", house.asker.client_id
    upload = await house.store.read(lambda db: uploads.get(db, upload_id, owner=owner))
    check_whole(upload)
    return Source(
        fd=-1, name=request.name or "", sha256=upload.sha256, size_bytes=upload.size_bytes
    )


async def get(house: House, request: requests.JobsGet) -> AsyncGenerator[AnyReply, None]:
    """One job."""
    yield OneJob(job=await house.store.read(lambda db: jobs.get(db, request.job_id)))


async def list_jobs(house: House, request: requests.JobsList) -> AsyncGenerator[AnyReply, None]:
    """Jobs, newest first, with counts."""
    owner = house.asker.sees
    found = await house.store.read(
        lambda db: jobs.list_jobs(db, state=request.state, limit=request.limit, owner=owner)
    )
    counts = await house.store.read(lambda db: jobs.counts(db, owner=owner))
    yield Jobs(jobs=found, counts=counts)


async def cancel(house: House, request: requests.JobsCancel) -> AsyncGenerator[AnyReply, None]:
    """Cancel a queued or running job."""
    yield OneJob(job=await house.runner.cancel(request.job_id))


async def retry(house: House, request: requests.JobsRetry) -> AsyncGenerator[AnyReply, None]:
    """Queue a failed or cancelled job again."""
    job = await house.store.write(lambda db: outcomes.retry(db, request.job_id))
    house.runner.wake()
    yield OneJob(job=job)


async def purge(house: House, request: requests.JobsPurge) -> AsyncGenerator[AnyReply, None]:
    """Remove ended jobs from the list."""
    before = datetime.now(UTC) - timedelta(milliseconds=request.older_than_ms)
    yield Done(count=await house.store.write(lambda db: jobs.purge(db, before=before)))
