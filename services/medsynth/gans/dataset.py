"""The training set in memory: bytes on the device, turned into network tensors batch by batch."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from medsynth.errors import DataError, InvalidArgumentError
from medsynth.gans.order import BalancedOrder, DataOrder, Order
from medsynth.gans.specification import validate_size
from medsynth.levels import Labels, Pixels, bits_of, brightest

_SHARE_OF_FREE_MEMORY = 0.5
"""A set larger than this share of the GPU's free memory stays in main memory."""


class ResidentDataset:
    """Images and masks as whole levels and labels, on the device when they fit.

    Args:
        images: uint8, or uint16 for 16 bits (N, C, S, S).
        masks: Labels, uint8 (N, S, S), or None.
        classes: Number of labels, 0 without masks.
        device: Where batches are wanted.

    Raises:
        InvalidArgumentError: The side is none that the networks can make.
        DataError: The arrays do not belong together, or a label lies outside the classes.
    """

    def __init__(
        self,
        images: Pixels,
        masks: Labels | None,
        classes: int,
        device: torch.device,
    ) -> None:
        _check(images, masks, classes)
        self.channels, self.classes, self.bits = images.shape[1], classes, bits_of(images)
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

    def order(self, seed: int, foreground_share: float = 0.0) -> Order:
        """The order in which the images are shown.

        Args:
            seed: 0 to 2^63-1.
            foreground_share: Of the images shown that have a label, above 0 to 1; 0: as they come.

        Raises:
            InvalidArgumentError: There are no images of a kind that has to be shown.
        """
        if not foreground_share:
            return DataOrder(len(self), seed)
        foreground = np.zeros(len(self), bool)
        if self.masks is not None:
            foreground = (self.masks > 0).flatten(1).any(dim=1).cpu().numpy()
        return BalancedOrder(foreground, foreground_share, seed)

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
        joint[:, : self.channels] = chosen.float().mul_(2 / brightest(self.bits)).sub_(1.0)
        if self.masks is not None:
            labels = self.masks[indices].to(self.device, non_blocking=True).unsqueeze(1)
            one_of = torch.arange(self.classes, device=self.device, dtype=torch.uint8)
            joint[:, self.channels :] = (labels == one_of.view(1, -1, 1, 1)).float() * 2.0 - 1.0
        return joint


def _check(images: Pixels, masks: Labels | None, classes: int) -> None:
    bits_of(images)
    if images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise DataError(f"images are {images.shape}: expected (N, C, S, S), square")
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


def _tensor(array: Pixels) -> Tensor:
    return torch.from_numpy(np.array(array))


def _digest(parts: tuple[Pixels, ...]) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(f"{part.shape}".encode())
        for start in range(0, len(part), 4096):
            sha.update(np.ascontiguousarray(part[start : start + 4096]).tobytes())
    return "sha256:" + sha.hexdigest()
