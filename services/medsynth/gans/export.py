"""The generator as an ONNX file that gives finished images and labels."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medsynth.errors import FailedPreconditionError
from medsynth.gans.latents import latents
from medsynth.gans.sampling import discretise
from medsynth.levels import Labels, Pixels, array_type, bits_of, brightest

OPSET = 18
BATCH_SIZES = (1, 2, 5, 16)
"""Batch sizes at which the file is compared with PyTorch."""

_ROUNDING = 0.5
"""Levels that a pixel may lie from PyTorch's unrounded value,"""
_OTHER_ORDER = 0.02 / 255
"""and this share of the brightest level beyond that: float32 sums in another order."""
_TIE = 2e-4
"""A label's channel may lie so far below the highest one."""


class _Discretised(nn.Module):
    def __init__(self, generator: nn.Module, channels: int, classes: int, bits: int) -> None:
        super().__init__()
        self.generator, self.channels, self.classes = generator, channels, classes
        self.bits = bits

    def forward(self, latent: Tensor) -> tuple[Tensor, ...]:
        image, mask = discretise(self.generator(latent), self.channels, self.classes, self.bits)
        return (image,) if mask is None else (image, mask)


def export_onnx(
    generator: nn.Module, path: Path, *, channels: int, classes: int, bits: int = 8
) -> None:
    """Writes the generator and checks the file against PyTorch.

    Input `latent` is float32 (batch, latent_dim); outputs are `image`, uint8, or uint16 for 16 bits
    (batch, channels, S, S), and with classes `mask`, labels as uint8 (batch, S, S). The batch may
    have any size.

    Args:
        generator: As in `TrainingResult.generator`.
        path: The file to write. Nothing is left there when the check fails.
        channels: Image channels.
        classes: Classes of the mask, 0 for none.
        bits: Of the levels, 8 or 16.

    Raises:
        FailedPreconditionError: The file computes something else than PyTorch, or not for every
            batch size.
    """
    generator = generator.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    names = ["image", "mask"] if classes else ["image"]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    try:
        _write(_Discretised(generator, channels, classes, bits).eval(), beside, names)
        check(generator, beside, channels=channels, classes=classes, bits=bits)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write(network: nn.Module, path: Path, outputs: list[str]) -> None:
    latent_dim = int(network.generator.latent_dim)  # type: ignore[union-attr, arg-type]
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (torch.zeros(2, latent_dim),),
                dynamo=True,
                input_names=["latent"],
                output_names=outputs,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        exporter_log.setLevel(level)
    assert program is not None
    program.save(str(path), external_data=False)


def check(generator: nn.Module, path: Path, *, channels: int, classes: int, bits: int = 8) -> None:
    """Compares an ONNX file with a generator at several batch sizes.

    A grey level has to be PyTorch's value rounded, and a label's channel the highest, but for what
    float32 sums in another order may move.

    Raises:
        FailedPreconditionError: Names what differs.
    """
    model = onnx.load(str(path))
    for value in (*model.graph.input, *model.graph.output):
        if not value.type.tensor_type.shape.dim[0].dim_param:
            raise _refusal(f"the batch of {value.name!r} has a fixed size")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    latent_dim = int(generator.latent_dim)  # type: ignore[arg-type]
    for batch in BATCH_SIZES:
        latent = latents("export check", batch, 0, batch, latent_dim)
        with torch.no_grad():
            joint = generator(torch.from_numpy(latent)).numpy()
        outputs = session.run(None, {"latent": latent})
        forms = [
            (array_type(bits), (batch, channels, *joint.shape[2:])),
            (array_type(8), (batch, *joint.shape[2:])),
        ]
        for output, (kind, shape) in zip(outputs, forms, strict=False):
            if (output.dtype, output.shape) != (kind, shape):
                raise _refusal(f"it gives {output.dtype} {output.shape} instead of {kind} {shape}")
        _compare_image(outputs[0], joint[:, :channels])
        if classes:
            _compare_mask(outputs[1], joint[:, channels:])


def _compare_image(image: Pixels, expected: NDArray[np.float32]) -> None:
    highest = brightest(bits_of(image))
    exact = np.clip((expected.astype(np.float64) + 1.0) * (highest / 2), 0, highest)
    worst = float(np.abs(image - exact).max())
    if not worst <= _ROUNDING + _OTHER_ORDER * highest:
        raise _refusal(f"a pixel differs by {worst:.3f} grey levels")


def _compare_mask(mask: Labels, scores: NDArray[np.float32]) -> None:
    if int(mask.max()) >= scores.shape[1]:
        raise _refusal(f"it gives label {int(mask.max())} of {scores.shape[1]} classes")
    given = np.take_along_axis(scores, mask[:, None].astype(np.int64), axis=1)[:, 0]
    worst = float((scores.max(axis=1) - given).max())
    if not worst <= _TIE:
        raise _refusal(f"a label was chosen whose score lies {worst:.4f} below the highest")


def _refusal(difference: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"the exported generator is not the trained one: {difference}", reason="EXPORT_DIFFERS"
    )
