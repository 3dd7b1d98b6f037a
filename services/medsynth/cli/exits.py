"""The command's exit codes, and the ways in which a command ends that are not errors of a call."""

from __future__ import annotations

from collections.abc import Sequence

from medsynth.errors import AbortedError, MedsynthError, UnavailableError

OK = 0
INTERNAL = 1
USER_ERROR = 2
JOB_FAILED = 3
JOB_CANCELLED = 4
UNREACHABLE = 5
INTERRUPTED = 130

HELP = (
    "Exit codes: 0 done, 2 the request was wrong (1: the program was), 3 the job failed, 4 the job "
    "was cancelled, 5 a service does not answer, 130 interrupted (the job goes on)."
)


class JobNotSucceededError(Exception):
    """The job that a command waited for failed or was cancelled.

    Args:
        job: Its name.
        error: Why. `AbortedError`: it was cancelled.
    """

    def __init__(self, job: str, error: MedsynthError) -> None:
        super().__init__(f"{job}: {error.message}")
        self.job = job
        self.error = error

    @property
    def exit_code(self) -> int:
        """3 for a failed job, 4 for a cancelled one."""
        return JOB_CANCELLED if isinstance(self.error, AbortedError) else JOB_FAILED


class InterruptedWaitError(Exception):
    """Ctrl-C while a command waited for jobs, which go on.

    Args:
        jobs: Their names, the one that was waited for first.
    """

    def __init__(self, jobs: Sequence[str]) -> None:
        super().__init__(", ".join(jobs))
        self.jobs = tuple(jobs)


def exit_code(error: MedsynthError) -> int:
    """The exit code for an error that a call raised."""
    if isinstance(error, UnavailableError):
        return UNREACHABLE
    return INTERNAL if type(error) is MedsynthError else USER_ERROR
