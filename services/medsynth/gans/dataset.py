"""The training set in memory: bytes on the device, turned into network tensors batch by batch."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medsynth.errors import DataError, InvalidArgumentError
from medsynth.gans.specification import validate_size

_SHARE_OF_FREE_MEMORY = 0.5
"""A set larger than this share of the GPU's free memory stays in main memory."""


class ResidentDataset:
    """Images and masks as uint8, on the device when they fit.

    Args:
        images: uint8 (N, C, S, S).
        masks: Labels, uint8 (N, S, S), or None.
        classes: Number of labels, 0 without masks.
        device: Where batches are wanted.

    Raises:
        InvalidArgumentError: The side is none that the networks can make.
        DataError: The arrays do not belong together, or a label lies outside the classes.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        masks: NDArray[np.uint8] | None,
        classes: int,
        device: torch.device,
    ) -> None:
        _check(images, masks, classes)
        self.channels, self.classes = images.shape[1], classes
        self.size, self.device = images.shape[-1], device
        parts = (images,) if masks is None else (images, masks)
        self.digest = _digest(parts)
        self.images, self.masks = _tensor(images), None if masks is None else _tensor(masks)
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if sum(part.nbytes for part in parts) <= free * _SHARE_OF_FREE_MEMORY:
                self.images = self.images.to(device)
                self.masks = None if self.masks is None else self.masks.to(device)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Tensor) -> Tensor:
        """Images with masks as the networks see them.

        Args:
            indices: int64 (B,), on the CPU.

        Returns:
            float32 (B, C + classes, S, S) in [-1, 1], channels last in memory.
        """
        indices = indices.to(self.images.device)
        joint = torch.empty(
            (len(indices), self.channels + self.classes, self.size, self.size),
            device=self.device,
            memory_format=torch.channels_last,
        )
        chosen = self.images[indices].to(self.device, non_blocking=True)
        joint[:, : self.channels] = chosen.float().mul_(1 / 127.5).sub_(1.0)
        if self.masks is not None:
            labels = self.masks[indices].to(self.device, non_blocking=True).unsqueeze(1)
            one_of = torch.arange(self.classes, device=self.device, dtype=torch.uint8)
            joint[:, self.channels :] = (labels == one_of.view(1, -1, 1, 1)).float() * 2.0 - 1.0
        return joint


class DataOrder:
    """The endless order in which images are shown: one permutation for each pass.

    The permutation of a pass follows from the seed and the pass's number (Philox raw bits), so that
    the position alone, an image count, restores it.

    Args:
        count: Images in the set.
        seed: Any whole number from 0 to 2^64-1.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._passes: dict[int, NDArray[np.int64]] = {}

    def take(self, position: int, count: int) -> Tensor:
        """Indices of the images number `position` to `position + count` ever shown; int64."""
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


def _check(images: NDArray[np.uint8], masks: NDArray[np.uint8] | None, classes: int) -> None:
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[2] != images.shape[3]:
        raise DataError(
            f"images are {images.dtype} {images.shape}: expected uint8 (N, C, S, S), square"
        )
    validate_size(images.shape[-1])
    if not len(images):
        raise DataError("the training set has no images")
    if not 1 <= images.shape[1] <= 8:
        raise InvalidArgumentError.field("channels", images.shape[1], "1 to 8 image channels")
    if (masks is None) != (classes == 0):
        raise DataError(f"{classes} classes, but {'no ' if masks is None else ''}masks")
    if masks is None:
        return
    if masks.dtype != np.uint8 or masks.shape != (len(images), *images.shape[2:]):
        raise DataError(
            f"masks are {masks.dtype} {masks.shape}: expected uint8 "
            f"{(len(images), *images.shape[2:])}, one for each image"
        )
    highest = max(int(masks[start : start + 4096].max()) for start in range(0, len(masks), 4096))
    if highest >= classes:
        raise DataError(f"a mask has label {highest}, but there are only {classes} classes")


def _tensor(array: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.array(array))


def _digest(parts: tuple[NDArray[np.uint8], ...]) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(f"{part.shape}".encode())
        for start in range(0, len(part), 4096):
            sha.update(np.ascontiguousarray(part[start : start + 4096]).tobytes())
    return "sha256:" + sha.hexdigest()
