"""FID's Inception network against torch-fidelity on identical random weights."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from medsynth.errors import DataError, InvalidArgumentError
from medsynth.metrics import InceptionFeatures, as_rgb
from medsynth.metrics.inception import resize_tf1, state_shapes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under which activations keep their scale through the depth."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in state_shapes().items():
        noise = torch.randn(shape, generator=generator)
        if name.endswith("conv.weight"):
            state[name] = noise * (2 / noise[0].numel()) ** 0.5
        elif name.endswith(("bn.weight", "running_var")):
            state[name] = torch.rand(shape, generator=generator) * 0.5 + 0.75
        else:
            state[name] = noise * 0.1
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def features(weights: Path) -> InceptionFeatures:
    return InceptionFeatures(weights, batch_size=2)


@pytest.fixture(scope="module")
def reference(weights: Path) -> FeatureExtractorInceptionV3:
    return FeatureExtractorInceptionV3(
        "reference", ["2048"], feature_extractor_weights_path=str(weights)
    )


def images(height: int, width: int, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * 1000 + width)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator).to(torch.uint8)


@pytest.mark.parametrize(
    ("height", "width"), [(32, 32), (64, 64), (299, 299), (512, 512), (75, 131), (1, 3)]
)
def test_features_equal_torch_fidelity(
    features: InceptionFeatures,
    reference: FeatureExtractorInceptionV3,
    height: int,
    width: int,
) -> None:
    batch = images(height, width)
    expected = reference(batch)[0].numpy()
    found = features(batch)
    assert found.dtype == np.float32
    assert expected.std() > 0.1, "the comparison would be empty"
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_published_names_are_those_of_torch_fidelity(
    reference: FeatureExtractorInceptionV3,
) -> None:
    theirs = {
        name: tuple(value.shape)
        for name, value in reference.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert state_shapes() == theirs


def test_arrays_tensors_and_batches_agree(features: InceptionFeatures) -> None:
    batch = images(40, 40, count=5)
    whole = features(batch)
    assert whole.shape == (5, 2048)
    np.testing.assert_array_equal(features(batch.numpy()), whole)
    np.testing.assert_allclose(
        np.concatenate([features(batch[:1]), features(batch[1:])]), whole, rtol=1e-5, atol=1e-5
    )
    assert features(batch[:0]).shape == (0, 2048)


def test_grey_is_repeated() -> None:
    grey = images(8, 8).numpy()[:, :1]
    colour = as_rgb(grey)
    np.testing.assert_array_equal(colour, np.concatenate([grey] * 3, axis=1))
    assert as_rgb(colour).shape == (2, 3, 8, 8)
    with pytest.raises(InvalidArgumentError):
        as_rgb(np.zeros((1, 2, 8, 8), np.uint8))
    with pytest.raises(InvalidArgumentError):
        as_rgb(np.zeros((1, 1, 8, 8), np.float32))


def test_resize_has_no_half_pixel_offset_and_no_antialiasing() -> None:
    """Doubling [0, 4, 8]: TensorFlow 1 gives 0 2 4 6 8 8. Halving takes every other pixel."""
    row = torch.tensor([0.0, 4.0, 8.0]).reshape(1, 1, 1, 3)
    assert resize_tf1(row, 1, 6).flatten().tolist() == [0, 2, 4, 6, 8, 8]
    column = torch.tensor([1.0, 9.0, 3.0, 7.0]).reshape(1, 1, 4, 1)
    assert resize_tf1(column, 2, 1).flatten().tolist() == [1, 3]


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((2, 3, 8, 8), np.float32),
        np.zeros((2, 1, 8, 8), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((2, 3, 0, 8), np.uint8),
        torch.zeros((2, 3, 8, 8)),
    ],
)
def test_refuses_other_images(features: InceptionFeatures, batch: np.ndarray) -> None:
    with pytest.raises(InvalidArgumentError):
        features(batch)


def test_refuses_other_files(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "file.pth"
    with pytest.raises(DataError, match="cannot be read"):
        InceptionFeatures(path)
    for content in (b"", b"no weights", weights.read_bytes()[:100_000]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            InceptionFeatures(path)
    torch.save([1, 2], path)
    with pytest.raises(DataError, match="state dictionary"):
        InceptionFeatures(path)
    state = torch.load(weights, weights_only=True)
    state["Mixed_7c.branch1x1.conv.weight"] = torch.zeros(320, 2048, 3, 3)
    torch.save(state, path)
    with pytest.raises(DataError, match=r"Mixed_7c\.branch1x1\.conv\.weight"):
        InceptionFeatures(path)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('the pickle ran')",)


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(pickle.dumps(Harmful(), protocol=2))
    with pytest.raises(DataError):
        InceptionFeatures(path)
    torch.save({"fc.weight": Harmful()}, path)
    with pytest.raises(DataError):
        InceptionFeatures(path)


def test_the_package_imports_without_torch() -> None:
    code = (
        "import sys, medsynth.metrics as m, numpy; m.frechet_distance(numpy.eye(3), numpy.eye(3));"
        "heavy = {'torch', 'scipy', 'monai'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
