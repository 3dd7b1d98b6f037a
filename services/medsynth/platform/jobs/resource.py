"""The six methods of every job resource, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.message import Message

from medsynth.platform.jobs.kinds import FOLDERS, message_class
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.names import parse_name
from medsynth.storage import Storage
from medsynth.v1 import jobs_pb2

ToResource = Callable[[JobRecord], Message]
"""Makes the resource (`TrainingJob`, ...) of a record."""


def delete_job(store: JobStore, storage: Storage, name: str) -> None:
    """Deletes the record of a job that has ended, with its events and work folder.

    Raises:
        NotFoundError: There is no such job.
        FailedPreconditionError: It has not ended, or a job that has not ended waited for it.
    """
    store.delete(name)
    storage.delete(FOLDERS, name.partition("/")[2])


class JobMethods:
    """What a servicer's methods for one kind of job do. Requests are the contract's messages.

    Args:
        store: The jobs.
        kind: Name of the kind.
        to_resource: Makes the resource of a record.
        storage: Where jobs keep their work folders, which are deleted with them.
    """

    def __init__(
        self,
        store: JobStore,
        kind: str,
        to_resource: ToResource,
        storage: Storage,
    ) -> None:
        self._store = store
        self._kind = store.kinds[kind]
        self._to_resource = to_resource
        self._storage = storage

    def create(
        self, request: Any, specification: Message | None = None, *, share_key: str = ""
    ) -> Any:
        """Makes a job, or finds the one that the same request id made before.

        Args:
            request: With `specification` and `request_id`.
            specification: The specification with every default filled in. None: the request's.
            share_key: See `JobStore.create`.

        Raises:
            AlreadyExistsError: The request id was used with another specification.
            InvalidArgumentError: The request id is not one.
        """
        if specification is None:
            specification = request.specification
        return self._to_resource(
            self._store.create(
                self._kind.name,
                specification,
                request_id=request.request_id,
                share_key=share_key,
            )
        )

    def get(self, request: Any) -> Any:
        """The job that `request.name` names.

        Raises:
            InvalidArgumentError: It is no name of such a job.
            NotFoundError: There is none.
        """
        return self._to_resource(self._store.get(self._name(request)))

    def list(self, request: Any) -> Any:
        """A page of jobs as the `List...Response` that belongs to the `List...Request`.

        Raises:
            InvalidArgumentError: A `page_size`, `page_token` or state that there is not.
        """
        page = self._store.list(
            self._kind.name, request.page_size, request.page_token, request.states
        )
        full_name = request.DESCRIPTOR.full_name.removesuffix("Request") + "Response"
        response: Any = message_class(full_name)()
        response.jobs.extend(self._to_resource(job) for job in page.jobs)
        response.next_page_token = page.next_page_token
        return response

    def cancel(self, request: Any) -> Any:
        """Asks the job to stop and returns it. Idempotent.

        Raises:
            InvalidArgumentError: It is no name of such a job.
            NotFoundError: There is none.
        """
        return self._to_resource(self._store.cancel(self._name(request)))

    def watch(
        self, request: Any, keep_going: Callable[[], bool] = lambda: True
    ) -> Iterator[jobs_pb2.JobEvent]:
        """The job's events after `request.after_event_id`, until it has ended.

        Args:
            request: With `name` and `after_event_id`.
            keep_going: Asked every second, such as a call's `is_active`; False ends the stream.

        Raises:
            InvalidArgumentError: It is no name of such a job, or no id of an event.
            NotFoundError: There is none.
        """
        return self._store.watch(self._name(request), request.after_event_id, keep_going)

    def delete(self, request: Any) -> empty_pb2.Empty:
        """Deletes the record of a job that has ended, with its events and work folder.

        Raises:
            InvalidArgumentError: It is no name of such a job.
            NotFoundError: There is none.
            FailedPreconditionError: It has not ended, or is still needed.
        """
        name = self._name(request)
        delete_job(self._store, self._storage, name)
        return empty_pb2.Empty()

    def _name(self, request: Any) -> str:
        name: str = request.name
        parse_name(name, self._kind.collection)
        return name
