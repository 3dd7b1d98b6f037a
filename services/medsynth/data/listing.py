"""Size and stamp of many files by their paths, held in little: there may be millions."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from medsynth.data.files import FileFacts


class Listing(Mapping[str, FileFacts]):
    """Files by their paths, sorted.

    Args:
        found: Each with its path, in any order. Stamps that are decimal numbers, such as times,
            take least.
    """

    __slots__ = ("_others", "_paths", "_sizes", "_stamps")

    def __init__(self, found: Iterable[tuple[str, FileFacts]]) -> None:
        self._paths: list[str] = []
        self._others: dict[str, str] = {}
        sizes, stamps = array("q"), array("q")
        for path, facts in found:
            self._paths.append(path)
            sizes.append(facts.size)
            try:
                stamps.append(_number(facts.stamp))
            except (ValueError, OverflowError):
                stamps.append(0)
                self._others[path] = facts.stamp
        order = sorted(range(len(self._paths)), key=self._paths.__getitem__)
        self._sizes = array("q", (sizes[place] for place in order))
        self._stamps = array("q", (stamps[place] for place in order))
        self._paths.sort()

    def __getitem__(self, path: str) -> FileFacts:
        place = bisect_left(self._paths, path)
        if place == len(self._paths) or self._paths[place] != path:
            raise KeyError(path)
        stamp = self._others.get(path)
        return FileFacts(self._sizes[place], str(self._stamps[place]) if stamp is None else stamp)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _number(stamp: str) -> int:
    number = int(stamp)
    if str(number) != stamp:
        raise ValueError(stamp)
    return number
