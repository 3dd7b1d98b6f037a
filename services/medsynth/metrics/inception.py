"""Features of FID's Inception network.

The network of Szegedy et al. 2016 as TensorFlow published it on 2015-12-05, under the protocol of
Heusel et al. 2017. This is not torchvision's Inception v3: it has 1,008 classes, its average
pooling leaves the padding out of the mean, its last block pools by maximum, and its batch
normalisation has an epsilon of 1e-3. The features are the 2,048 means over the last 8 x 8 map
("pool3").
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from medsynth.errors import DataError, InvalidArgumentError
from medsynth.metrics.weights import file_digest

SIDE = 299
"""Pixels that images are resized to."""

FEATURES = 2048
"""Width of a feature vector."""

PROTOCOL = "inception-2015-12-05/pool3-2048"
"""Name of these features in a score's protocol."""

RESIZE = "tf1-bilinear-299"
"""Name of the resize in a score's protocol."""

_CLASSES = 1008
_EPSILON = 1e-3


@dataclass(frozen=True)
class _Layer:
    """Convolution without bias, batch normalisation, ReLU. Kernel is (height, width)."""

    name: str
    filters: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    same: bool = True
    """Padded so that a stride of one keeps the size."""


@dataclass(frozen=True)
class _Pool:
    kind: str
    """`average` or `maximum`, 3 x 3."""
    stride: int = 1


_Step = _Layer | _Pool | tuple[_Layer, ...]
"""A tuple of layers: all take the same input, their outputs are concatenated."""

_Branches = tuple[tuple[_Step, ...], ...]

_AVERAGE = _Pool("average")
_SHRINK = _Pool("maximum", stride=2)


def _grid_35(pooled: int) -> _Branches:
    """Figure 5 of the paper, on the 35 x 35 map."""
    return (
        (_Layer("branch1x1", 64),),
        (_Layer("branch5x5_1", 48), _Layer("branch5x5_2", 64, (5, 5))),
        (
            _Layer("branch3x3dbl_1", 64),
            _Layer("branch3x3dbl_2", 96, (3, 3)),
            _Layer("branch3x3dbl_3", 96, (3, 3)),
        ),
        (_AVERAGE, _Layer("branch_pool", pooled)),
    )


def _grid_17(width: int) -> _Branches:
    """Figure 6 with n = 7, on the 17 x 17 map."""
    row, column = (1, 7), (7, 1)
    return (
        (_Layer("branch1x1", 192),),
        (
            _Layer("branch7x7_1", width),
            _Layer("branch7x7_2", width, row),
            _Layer("branch7x7_3", 192, column),
        ),
        (
            _Layer("branch7x7dbl_1", width),
            _Layer("branch7x7dbl_2", width, column),
            _Layer("branch7x7dbl_3", width, row),
            _Layer("branch7x7dbl_4", width, column),
            _Layer("branch7x7dbl_5", 192, row),
        ),
        (_AVERAGE, _Layer("branch_pool", 192)),
    )


def _grid_8(pool: str) -> _Branches:
    """Figure 7, on the 8 x 8 map."""
    row, column = (1, 3), (3, 1)
    return (
        (_Layer("branch1x1", 320),),
        (
            _Layer("branch3x3_1", 384),
            (_Layer("branch3x3_2a", 384, row), _Layer("branch3x3_2b", 384, column)),
        ),
        (
            _Layer("branch3x3dbl_1", 448),
            _Layer("branch3x3dbl_2", 384, (3, 3)),
            (_Layer("branch3x3dbl_3a", 384, row), _Layer("branch3x3dbl_3b", 384, column)),
        ),
        (_Pool(pool), _Layer("branch_pool", 192)),
    )


_FROM_35_TO_17: _Branches = (
    (_Layer("branch3x3", 384, (3, 3), stride=2, same=False),),
    (
        _Layer("branch3x3dbl_1", 64),
        _Layer("branch3x3dbl_2", 96, (3, 3)),
        _Layer("branch3x3dbl_3", 96, (3, 3), stride=2, same=False),
    ),
    (_SHRINK,),
)

_FROM_17_TO_8: _Branches = (
    (
        _Layer("branch3x3_1", 192),
        _Layer("branch3x3_2", 320, (3, 3), stride=2, same=False),
    ),
    (
        _Layer("branch7x7x3_1", 192),
        _Layer("branch7x7x3_2", 192, (1, 7)),
        _Layer("branch7x7x3_3", 192, (7, 1)),
        _Layer("branch7x7x3_4", 192, (3, 3), stride=2, same=False),
    ),
    (_SHRINK,),
)

_STEM: tuple[_Layer | _Pool, ...] = (
    _Layer("Conv2d_1a_3x3", 32, (3, 3), stride=2, same=False),
    _Layer("Conv2d_2a_3x3", 32, (3, 3), same=False),
    _Layer("Conv2d_2b_3x3", 64, (3, 3)),
    _SHRINK,
    _Layer("Conv2d_3b_1x1", 80),
    _Layer("Conv2d_4a_3x3", 192, (3, 3), same=False),
    _SHRINK,
)

_BLOCKS: Mapping[str, _Branches] = MappingProxyType(
    {
        "Mixed_5b": _grid_35(32),
        "Mixed_5c": _grid_35(64),
        "Mixed_5d": _grid_35(64),
        "Mixed_6a": _FROM_35_TO_17,
        "Mixed_6b": _grid_17(128),
        "Mixed_6c": _grid_17(160),
        "Mixed_6d": _grid_17(160),
        "Mixed_6e": _grid_17(192),
        "Mixed_7a": _FROM_17_TO_8,
        "Mixed_7b": _grid_8("average"),
        "Mixed_7c": _grid_8("maximum"),
    }
)


class InceptionFeatures:
    """FID's features of images. Keeps the network in memory; call it as often as you like.

    Images are resized to 299 x 299 by TensorFlow 1's bilinear interpolation (`resize_bilinear`
    without aligned corners: no half-pixel offset, no antialiasing), then (x - 128) / 128. Batch
    normalisation is folded into the convolutions in float64.

    The file is taken as it is: whoever wants the published network and nothing else finds it by
    `medsynth.metrics.find_weights`, which checks its digest.

    Args:
        weights: File with the state dictionary that pytorch-fid and torch-fidelity publish
            (`pt_inception-2015-12-05-6726825d.pth`), or another of the same names and shapes.
            Only tensors are read from it: code in a pickle is not run.
        device: Where it computes: `cpu`, `cuda`, `cuda:1`.
        batch_size: Images that are computed together, 1 or more. Without effect on the values
            beyond float32 rounding.

    Attributes:
        digest: sha256 of the file, `sha256:...`.

    Raises:
        DataError: The file is missing, no such dictionary, or has other names or shapes.
        InvalidArgumentError: `batch_size` is below 1.
    """

    def __init__(
        self, weights: Path | str, *, device: str | torch.device = "cpu", batch_size: int = 16
    ) -> None:
        if batch_size < 1:
            raise InvalidArgumentError.field("batch_size", batch_size, "an integer of at least 1")
        path = Path(weights)
        self._device = torch.device(device)
        self._batch_size = batch_size
        try:
            self.digest = file_digest(path)
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
            raise DataError(f"{path}: Inception weights cannot be read: {error}") from error
        _check(path, state)
        self._folded = {
            name: tuple(part.to(self._device) for part in _fold(state, name))
            for name, _, _ in _layers()
        }

    def __call__(self, images: NDArray[np.uint8] | Tensor) -> NDArray[np.float32]:
        """Features of images.

        Args:
            images: uint8 (N, 3, H, W), array or tensor on any device, N >= 0, any H and W of at
                least 1. `medsynth.metrics.as_rgb` makes grey images so.

        Returns:
            float32 (N, 2048).

        Raises:
            InvalidArgumentError: Another type or shape.
        """
        if not isinstance(images, Tensor):
            images = np.asarray(images)
        expected = torch.uint8 if isinstance(images, Tensor) else np.uint8
        if images.dtype != expected or images.ndim != 4 or images.shape[1] != 3:
            raise InvalidArgumentError.field(
                "images", f"{images.dtype} {tuple(images.shape)}", "uint8 images (N, 3, H, W)"
            )
        if min(images.shape[2:]) < 1:
            raise InvalidArgumentError.field("images", tuple(images.shape), "sides of 1 or more")
        features = np.empty((len(images), FEATURES), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, len(images), self._batch_size):
                batch = images[first : first + self._batch_size]
                if not isinstance(batch, Tensor):
                    batch = torch.from_numpy(np.array(batch, order="C"))
                result = self._forward(batch.to(self._device).float())
                features[first : first + len(batch)] = result.cpu().numpy()
        return features

    def _forward(self, images: Tensor) -> Tensor:
        x = (resize_tf1(images, SIDE, SIDE) - 128.0) / 128.0
        x = x.contiguous(memory_format=torch.channels_last)
        for step in _STEM:
            x = self._step(step, x, "")
        for block, branches in _BLOCKS.items():
            x = torch.cat([self._branch(steps, x, f"{block}.") for steps in branches], dim=1)
        return x.mean(dim=(2, 3))

    def _branch(self, steps: Sequence[_Step], x: Tensor, prefix: str) -> Tensor:
        for step in steps:
            x = self._step(step, x, prefix)
        return x

    def _step(self, step: _Step, x: Tensor, prefix: str) -> Tensor:
        if isinstance(step, tuple):
            return torch.cat([self._step(layer, x, prefix) for layer in step], dim=1)
        if isinstance(step, _Layer):
            weight, bias = self._folded[prefix + step.name]
            padding = (step.kernel[0] // 2, step.kernel[1] // 2) if step.same else (0, 0)
            return functional.conv2d(x, weight, bias, step.stride, padding).relu_()
        padding_side = 1 if step.stride == 1 else 0
        if step.kind == "average":
            return functional.avg_pool2d(x, 3, step.stride, padding_side, count_include_pad=False)
        return functional.max_pool2d(x, 3, step.stride, padding_side)


def resize_tf1(images: Tensor, height: int, width: int) -> Tensor:
    """TensorFlow 1's `resize_bilinear(align_corners=False)`.

    Output pixel i lies at i * (input / output) in float32, with no half-pixel offset; beyond the
    last input pixel the edge is repeated; nothing is smoothed when shrinking.

    Args:
        images: float32 (N, C, H, W).
        height: Rows of the result.
        width: Columns of the result.
    """
    left, right, across = _neighbours(images.shape[3], width, images)
    upper, lower, down = _neighbours(images.shape[2], height, images)
    rows = images[..., left]
    rows = rows + (images[..., right] - rows) * across
    top = rows[:, :, upper]
    return top + (rows[:, :, lower] - top) * down[:, None]


def _neighbours(size: int, wanted: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each output pixel along one axis: the input pixels around it and its way between them."""
    scale = torch.tensor(size / wanted, dtype=torch.float32, device=like.device)
    position = torch.arange(wanted, dtype=torch.float32, device=like.device) * scale
    before = position.floor()
    share = position - before
    first = before.long().clamp_max(size - 1)
    return first, (first + 1).clamp_max(size - 1), share


def _layers() -> Iterator[tuple[str, int, _Layer]]:
    """Every convolution: its full name, its input channels, itself."""
    width = 3
    for entry in _STEM:
        if isinstance(entry, _Layer):
            yield entry.name, width, entry
            width = entry.filters
    for block, branches in _BLOCKS.items():
        joined = 0
        for steps in branches:
            inner = width
            for step in steps:
                together = step if isinstance(step, tuple) else (step,)
                layers = [layer for layer in together if isinstance(layer, _Layer)]
                for layer in layers:
                    yield f"{block}.{layer.name}", inner, layer
                inner = sum(layer.filters for layer in layers) or inner
            joined += inner
        width = joined


def state_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state dictionary that `InceptionFeatures` reads.

    The classifier `fc` is part of the published file and of this table; the features do not
    need it, so a file may lack it.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for name, width, layer in _layers():
        shapes[f"{name}.conv.weight"] = (layer.filters, width, *layer.kernel)
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.bn.{statistic}"] = (layer.filters,)
    shapes["fc.weight"] = (_CLASSES, FEATURES)
    shapes["fc.bias"] = (_CLASSES,)
    return shapes


def _check(path: Path, state: object) -> None:
    if not isinstance(state, Mapping):
        raise DataError(f"{path}: expected a state dictionary, found {type(state).__name__}")
    for name, shape in state_shapes().items():
        if name.startswith("fc.") and name not in state:
            continue
        found = state.get(name)
        if not isinstance(found, Tensor) or tuple(found.shape) != shape:
            shown = tuple(found.shape) if isinstance(found, Tensor) else "nothing"
            raise DataError(
                f"{path}: not the Inception-2015-12-05 network: {name} should have shape {shape}, "
                f"found {shown}"
            )


def _fold(state: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with its batch normalisation in it."""
    part = {
        key: state[f"{name}.{key}"].double()
        for key in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    }
    scale = part["bn.weight"] / torch.sqrt(part["bn.running_var"] + _EPSILON)
    weight = part["conv.weight"] * scale[:, None, None, None]
    bias = part["bn.bias"] - part["bn.running_mean"] * scale
    return weight.float().contiguous(memory_format=torch.channels_last), bias.float()
