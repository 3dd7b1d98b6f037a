"""Regular expressions that find the patient in a path: which are accepted, and how they search.

Services check a pattern with `re`, which is quick; workers search with `regex`, which can be told
to stop. A pattern has to mean the same to both.
"""

from __future__ import annotations

import re
from time import monotonic
from typing import Final

from medsynth.errors import InvalidArgumentError

_LONGEST: Final = 500
_MOST_REPEATS: Final = 1000
_ACCEPTED: Final = f"a regular expression of at most {_LONGEST} characters"
_OTHERWISE: Final = re.compile(
    r"(?<!\\)(?:\\\\)*\{(?![0-9]+(?:,[0-9]*)?\}|,[0-9]+\})|\[:\^?\w+:\]", re.DOTALL
)
"""What means one thing to `re` and another to `regex`."""

_COUNT: Final = re.compile(r"(.)\{([0-9]+)", re.DOTALL)
_SECONDS: Final = 10.0
_SECONDS_EACH: Final = 1e-3
"""What searching may take in all: so much, and so much for each path."""


def check_pattern(pattern: object, path: str) -> None:
    """Makes sure that a pattern can be used.

    Args:
        pattern: Of a request.
        path: Of the request's field.

    Raises:
        InvalidArgumentError: It is no regular expression, too long, or would mean something else
            to a worker.
    """
    if not isinstance(pattern, str) or len(pattern) > _LONGEST:
        raise InvalidArgumentError.field(path, pattern, _ACCEPTED)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidArgumentError.field(path, pattern, f"{_ACCEPTED} ({error})") from error
    if _OTHERWISE.search(pattern):
        raise InvalidArgumentError.field(
            path, pattern, "\\{ for a brace that repeats nothing, and no class such as [:alpha:]"
        )
    if _repeats(pattern) > _MOST_REPEATS:
        raise InvalidArgumentError.field(
            path, pattern, f"groups that are repeated {_MOST_REPEATS} times at most"
        )


def _repeats(pattern: str) -> int:
    """How often something may be repeated at most, where groups lie in groups; `regex` copies it.

    A count behind a letter, a class or a dot repeats no group.
    """
    single, groups = 1, 1
    for before, count in _COUNT.findall(pattern):
        if before.isalnum() or before in "_.]":
            single = max(single, int(count))
        else:
            groups *= max(1, int(count))
    return single * groups


class PatientPattern:
    """A regular expression that finds the patient in a path, in bounded time.

    Args:
        pattern: As `check_pattern` accepts it.
        path: Of the request's field.

    Raises:
        InvalidArgumentError: It is no regular expression to `regex`.
    """

    def __init__(
        self, pattern: str, path: str = "specification.data.options.patient_pattern"
    ) -> None:
        import regex

        self.pattern = pattern
        self._path = path
        self._left = _SECONDS
        try:
            self._compiled = regex.compile(pattern, regex.VERSION0)
        except (regex.error, RecursionError, OverflowError) as error:
            raise InvalidArgumentError.field(path, pattern, f"{_ACCEPTED} ({error})") from error

    def find(self, text: str) -> str:
        """The patient: the pattern's first group, all of it without one; empty if there is none.

        Args:
            text: Path of an image within the source.

        Raises:
            InvalidArgumentError: Searching takes too long.
        """
        begin = monotonic()
        self._left += _SECONDS_EACH
        try:
            # A timeout below 0 would be none.
            match = self._compiled.search(text, timeout=max(self._left, _SECONDS_EACH))
        except TimeoutError as error:
            raise InvalidArgumentError.field(
                self._path,
                self.pattern,
                "a pattern that finds the patient without trying for ever, such as patient(\\d+)",
            ) from error
        finally:
            self._left -= monotonic() - begin
        return ((match[1] if self._compiled.groups else match[0]) if match else "") or ""
