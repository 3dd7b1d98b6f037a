"""Why a job has not begun yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medsynth.errors import MedsynthError

if TYPE_CHECKING:
    from medsynth.client import Client, Job


def why_it_waits(client: Client, name: str) -> str:
    """What a job in a queue waits for, in a sentence.

    Args:
        client: Where the job is.
        name: Of the job.

    Returns:
        Empty for a job that waits in no queue, and where the services cannot be asked.
    """
    from medsynth.v1 import jobs_pb2

    running = (jobs_pb2.JOB_STATE_RUNNING, jobs_pb2.JOB_STATE_CANCELLING)
    queued = (jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RECOVERING)
    try:
        job = client.job(name)
        if job.status.state != jobs_pb2.JOB_STATE_QUEUED:
            return ""
        others = [
            other
            for other in client.jobs(states=(*running, *queued))
            if other.status.queue == job.status.queue and other.name != name
        ]
    except MedsynthError:
        return ""
    run = [other.name for other in others if other.status.state in running]
    older = [o for o in others if o.status.state in queued and _created(o) < _created(job)]
    place = f"waits in the queue {job.status.queue}"
    if run or older:
        runs = f"{', '.join(run)} {'runs' if len(run) == 1 else 'run'}" if run else "no job runs"
        return f"{place}: {runs}, {len(older) or 'none'} of those that wait came earlier"
    return (
        f"{place}, where no job runs and none came earlier: unless it begins soon, no worker of "
        "that queue is there (`medsynth status` shows those of this machine)"
    )


def _created(job: Job) -> int:
    nanoseconds: int = job.status.create_time.ToNanoseconds()
    return nanoseconds
