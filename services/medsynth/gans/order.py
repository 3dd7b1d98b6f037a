"""The endless order in which training images are shown, a function of the position alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medsynth.data.feasibility import check_foreground_share


class Order(Protocol):
    """An endless order of images; an image count alone restores it."""

    def take(self, position: int, count: int) -> Tensor:
        """Indices of the images number `position` to `position + count` ever shown; int64."""


class DataOrder:
    """One permutation of all images for each pass.

    The permutation of a pass follows from the seed and the pass's number (Philox raw bits).

    Args:
        count: Images in the set.
        seed: Any whole number from 0 to 2^64-1.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._passes: dict[int, NDArray[np.int64]] = {}

    def take(self, position: int, count: int) -> Tensor:
        """As `Order.take`."""
        places = np.arange(position, position + count)
        passes = places // self._count
        wanted = range(int(passes[0]), int(passes[-1]) + 1)
        self._passes = {p: self._passes[p] for p in wanted if p in self._passes}
        for number in wanted:
            if number not in self._passes:
                self._passes[number] = self._permutation(number)
        indices = np.empty(count, np.int64)
        for number, permutation in self._passes.items():
            here = passes == number
            indices[here] = permutation[places[here] % self._count]
        return torch.from_numpy(indices)

    def _permutation(self, number: int) -> NDArray[np.int64]:
        bits = np.random.Philox(key=np.array([self._seed, number], np.uint64))
        return np.argsort(bits.random_raw(self._count), kind="stable")


class BalancedOrder:
    """Images with foreground and images without, mixed in a given proportion.

    Of the first p images shown, p x share (rounded down) have foreground, so that every batch has
    its part of them. Each of the two kinds is shown in permutations of its own.

    Args:
        foreground: For each image whether it has foreground (N,).
        share: Of the images shown that have, above 0 to 1.
        seed: Any whole number from 0 to 2^63-1.

    Raises:
        InvalidArgumentError: There are no images of a kind that has to be shown.
    """

    def __init__(self, foreground: NDArray[np.bool_], share: float, seed: int) -> None:
        check_foreground_share(share, foreground.tolist())
        self._share = share
        self._kinds = [
            (torch.from_numpy(rows), DataOrder(len(rows), 2 * seed + kind))
            for kind, rows in enumerate((np.flatnonzero(~foreground), np.flatnonzero(foreground)))
        ]

    def take(self, position: int, count: int) -> Tensor:
        """As `Order.take`."""
        places = np.arange(position, position + count)
        before = np.floor(places * self._share).astype(np.int64)
        marked = np.floor((places + 1) * self._share) > before
        indices = torch.empty(count, dtype=torch.int64)
        for kind, (rows, order) in enumerate(self._kinds):
            here = np.flatnonzero(marked == bool(kind))
            if len(here):
                first = before[here[0]] if kind else (places - before)[here[0]]
                indices[here] = rows[order.take(int(first), len(here))]
        return indices
