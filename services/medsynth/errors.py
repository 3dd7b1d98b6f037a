"""The one tree of domain errors.

Whatever goes wrong in a way that a caller can act on is one of these::

    MedsynthError
    ├── InvalidArgumentError     a field of the request: names it, its value, what is accepted
    ├── DataError                a file or folder that cannot be used as it is
    ├── NotFoundError            a named resource does not exist
    ├── AlreadyExistsError       a request id was used for another request
    ├── FailedPreconditionError  the resource's state forbids it
    ├── PermissionDeniedError    a path outside the operator's roots
    ├── ResourceExhaustedError   a limit or a full disk, card or memory
    ├── UnavailableError         Redis, Triton, storage or a service does not answer; retry
    └── AbortedError             the attempt lost its lease, or was told to stop

Each carries what a caller needs to act: a reason for programs, a message for people, and the
violated fields. They travel as `google.rpc.Status` with `ErrorInfo` and `BadRequest` (see
`medsynth.platform.rpc`) and in a job's record as the dictionary of `to_dict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

_SHOWN_BYTES: Final = 200


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8, with an ellipsis where it was cut."""
    encoded = text[: limit + 1].encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    return encoded[: limit - 3].decode(errors="ignore") + "..."


def show(value: object) -> str:
    """A value that a client sent as messages show it: its `repr` in at most 200 bytes."""
    cut = value[: _SHOWN_BYTES + 1] if isinstance(value, str | bytes) else value
    return shorten(repr(cut), _SHOWN_BYTES)


@dataclass(frozen=True)
class FieldViolation:
    """One field of a request that cannot be accepted.

    Attributes:
        field: Path of the field, such as `specification.gan.batch_size`.
        description: The value that was sent and what would be accepted.
    """

    field: str
    description: str


class MedsynthError(Exception):
    """Root of the domain errors.

    Args:
        message: One or two sentences for people: what is wrong and what to do.
        reason: Constant for programs, in upper snake case. Defaults to the class's own.
        violations: The fields at fault.
        metadata: Further facts for programs.
    """

    code: ClassVar[str] = "INTERNAL"
    """Name of the gRPC status code."""

    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Sequence[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})

    def to_dict(self) -> dict[str, Any]:
        """Everything in types that JSON knows; `from_dict` reverses it."""
        return {
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "violations": [asdict(violation) for violation in self.violations],
            "metadata": self.metadata,
        }


class InvalidArgumentError(MedsynthError):
    """A field of a request cannot be accepted."""

    code = "INVALID_ARGUMENT"
    default_reason = "INVALID_ARGUMENT"

    @classmethod
    def field(cls, field: str, value: object, accepted: str) -> InvalidArgumentError:
        """The usual case: one field with a value that is not among those accepted.

        Args:
            field: Path of the field in the request.
            value: What was sent; shortened to 200 bytes.
            accepted: What would be accepted, as a noun phrase: `a power of two from 32 to 256`.
        """
        description = f"{show(value)} is not accepted: expected {accepted}"
        return cls(f"{field}: {description}", violations=[FieldViolation(field, description)])


class DataError(MedsynthError):
    """A file or folder cannot be used as it is."""

    code = "FAILED_PRECONDITION"
    default_reason = "UNUSABLE_DATA"


class NotFoundError(MedsynthError):
    """A named resource does not exist."""

    code = "NOT_FOUND"
    default_reason = "NOT_FOUND"


class AlreadyExistsError(MedsynthError):
    """A request id was used before, for another request."""

    code = "ALREADY_EXISTS"
    default_reason = "REQUEST_ID_REUSED"


class FailedPreconditionError(MedsynthError):
    """The state of the resource forbids what was asked."""

    code = "FAILED_PRECONDITION"
    default_reason = "FAILED_PRECONDITION"


class PermissionDeniedError(MedsynthError):
    """What was named lies outside what the operator allows."""

    code = "PERMISSION_DENIED"
    default_reason = "OUTSIDE_ROOTS"


class ResourceExhaustedError(MedsynthError):
    """A limit was reached, or a disk, card or memory is full."""

    code = "RESOURCE_EXHAUSTED"
    default_reason = "RESOURCE_EXHAUSTED"


class UnavailableError(MedsynthError):
    """Something that the call needs does not answer now; the same call may succeed later."""

    code = "UNAVAILABLE"
    default_reason = "UNAVAILABLE"


class AbortedError(MedsynthError):
    """The attempt lost its lease or was told to stop."""

    code = "ABORTED"
    default_reason = "ABORTED"


def _concrete(root: type[MedsynthError]) -> list[type[MedsynthError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _concrete(child))]


def from_dict(fields: Mapping[str, Any]) -> MedsynthError:
    """The error that `MedsynthError.to_dict` wrote.

    The class follows from reason first and code second, so that two classes of one code are
    told apart; a reason of no class's own gives the code's general class.
    """
    classes = _concrete(MedsynthError)
    matching = [c for c in classes if c.code == fields["code"]] or [MedsynthError]
    exact = [c for c in matching if c.default_reason == fields["reason"]]
    general = [c for c in matching if c.default_reason == c.code]
    return (exact or general or matching)[0](
        fields["message"],
        reason=fields["reason"],
        violations=[FieldViolation(**violation) for violation in fields.get("violations", ())],
        metadata=fields.get("metadata"),
    )
