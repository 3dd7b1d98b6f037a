from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from medsynth.errors import FailedPreconditionError
from medsynth.gans.averaging import AveragedWeights
from medsynth.gans.export import check, export_onnx
from medsynth.gans.latents import latents
from medsynth.gans.networks import build
from medsynth.gans.sampling import generate
from tests.gans.tiny import tiny


def ready(channels: int, classes: int, **overrides: object) -> nn.Module:
    generator, _ = build(tiny(init_gain=0.2, **overrides), 32, channels, classes, seed=0)
    return AveragedWeights(generator, 1).ready(8, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("channels", "classes", "overrides"),
    [
        (1, 4, {}),
        (3, 0, {"generator_normalisation": "instance"}),
        (2, 2, {"generator_normalisation": "layer", "generator_spectral_norm": True}),
    ],
)
def test_the_file_draws_the_same_samples_at_any_batch_size(
    tmp_path: Path, channels: int, classes: int, overrides: dict[str, object]
) -> None:
    generator = ready(channels, classes, **overrides)
    path = tmp_path / "new" / "model.onnx"
    export_onnx(generator, path, channels=channels, classes=classes)
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == ["latent"]
    names = ["image", "mask"] if classes else ["image"]
    assert [o.name for o in session.get_outputs()] == names
    assert all(o.type == "tensor(uint8)" for o in session.get_outputs())
    assert all(isinstance(v.shape[0], str) for v in (*session.get_inputs(), *session.get_outputs()))
    drawn = latents("d", 0, 0, 33, 8)
    images, masks = generate(generator, drawn)
    for batch in (1, 3, 33):
        outputs = session.run(None, {"latent": drawn[:batch]})
        assert np.abs(outputs[0].astype(int) - images[:batch]).max() <= 1
        if masks is not None:
            assert (outputs[1] != masks[:batch]).mean() < 1e-3
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]


def test_the_file_gives_16_bits(tmp_path: Path) -> None:
    generator, path = ready(2, 3), tmp_path / "model.onnx"
    export_onnx(generator, path, channels=2, classes=3, bits=16)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [o.type for o in session.get_outputs()] == ["tensor(uint16)", "tensor(uint8)"]
    drawn = latents("d", 0, 0, 20, 8)
    image, mask = session.run(None, {"latent": drawn})
    images, masks = generate(generator, drawn, bits=16)
    assert np.abs(image.astype(int) - images).max() <= 0.02 / 255 * 65535 + 1
    assert len(np.unique(image)) > 2**10
    assert (mask != masks).mean() < 1e-3
    with pytest.raises(FailedPreconditionError, match=r"uint16.*instead of uint8"):
        check(generator, path, channels=2, classes=3)


def test_a_generator_in_channels_last_stays_usable(tmp_path: Path) -> None:
    generator = ready(1, 2).to(memory_format=torch.channels_last)
    export_onnx(generator, tmp_path / "m.onnx", channels=1, classes=2)
    assert generate(generator, latents("d", 0, 0, 2, 8))[0].shape == (2, 1, 32, 32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(ready(1, 3), path, channels=1, classes=3)
    return path


def test_another_generator_is_told_apart(exported: Path) -> None:
    generator = ready(1, 3)
    check(generator, exported, channels=1, classes=3)
    with torch.no_grad():
        generator.output.bias[0] += 0.05
    with pytest.raises(FailedPreconditionError, match="grey levels") as caught:
        check(generator, exported, channels=1, classes=3)
    assert caught.value.reason == "EXPORT_DIFFERS"
    generator = ready(1, 3)
    with torch.no_grad():
        generator.output.bias[2] += 0.05
    with pytest.raises(FailedPreconditionError, match="label"):
        check(generator, exported, channels=1, classes=3)


def test_other_channels_are_told_apart(exported: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="instead of"):
        check(ready(2, 2), exported, channels=2, classes=2)


class Random(nn.Module):
    """A generator that never gives the same sample twice."""

    latent_dim, channels, classes = 8, 1, 0

    def forward(self, latent: Tensor) -> Tensor:
        return torch.tanh(latent + torch.randn_like(latent)).reshape(-1, 1, 2, 4)


def test_a_file_that_differs_is_refused_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(FailedPreconditionError, match="differs"):
        export_onnx(Random(), path, channels=1, classes=0)
    assert not list(tmp_path.iterdir())


def test_a_fixed_batch_is_refused(exported: Path, tmp_path: Path) -> None:
    model = onnx.load(str(exported))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    fixed = tmp_path / "fixed.onnx"
    onnx.save(model, str(fixed))
    with pytest.raises(FailedPreconditionError, match="'latent' has a fixed size"):
        check(ready(1, 3), fixed, channels=1, classes=3)
