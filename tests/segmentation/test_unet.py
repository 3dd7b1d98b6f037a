"""The network's form: any side, any number of channels, its latent features, its digest."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch

from medsynth.errors import InvalidArgumentError
from medsynth.networks import weights_digest
from medsynth.segmentation import LATENT_FEATURES, UNet


def make(channels: int = 1, classes: int = 4) -> UNet:
    torch.manual_seed(0)
    return UNet(channels, classes).eval()


@pytest.mark.parametrize(
    ("channels", "height", "width"),
    [(1, 32, 32), (8, 32, 32), (3, 50, 77), (1, 1, 9), (1, 512, 512)],
)
@torch.inference_mode()
def test_any_side_and_any_channels(channels: int, height: int, width: int) -> None:
    unet = make(channels, 5)
    images = torch.rand(1, channels, height, width) * 2 - 1
    assert unet(images).shape == (1, 5, height, width)
    assert unet.latent(images).shape == (1, LATENT_FEATURES)


@torch.inference_mode()
def test_padding_does_not_move_the_result() -> None:
    unet = make()
    images = torch.rand(1, 1, 64, 64) * 2 - 1
    cut = images[:, :, :60, :60]
    assert unet(cut).shape[2:] == (60, 60)
    agreed = unet(cut).argmax(1)[:, :40, :40] == unet(images).argmax(1)[:, :40, :40]
    assert agreed.float().mean() > 0.9


@torch.inference_mode()
def test_scale_and_offset_of_a_channel_do_not_matter() -> None:
    unet = make(channels=2)
    images = torch.rand(2, 2, 32, 32)
    other = images * torch.tensor([0.5, 0.25])[:, None, None] - 0.3
    torch.testing.assert_close(unet(other), unet(images), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_an_empty_image_is_finite() -> None:
    assert torch.isfinite(make()(torch.zeros(1, 1, 32, 32))).all()


@torch.inference_mode()
def test_latent_features_are_the_mean_of_the_deepest_map() -> None:
    """The way up begins with the deepest map, joined behind the skip connection's channels."""
    unet = make()
    joined: list[torch.Tensor] = []
    for module in unet.modules():
        if isinstance(module, torch.nn.ConvTranspose2d):
            module.register_forward_pre_hook(lambda _, inputs: joined.append(inputs[0]))
    images = torch.rand(2, 1, 64, 64)
    unet(images)
    deepest = min(joined, key=lambda maps: maps.shape[-1])[:, -LATENT_FEATURES:]
    assert deepest.std() > 0
    torch.testing.assert_close(unet.latent(images), deepest.mean((2, 3)))


def test_digest_is_of_weights_and_buffers() -> None:
    unet = make()
    digest = weights_digest(unet)
    assert digest.startswith("sha256:")
    assert weights_digest(copy.deepcopy(unet)) == digest
    for name in list(unet.state_dict())[::9]:
        other = copy.deepcopy(unet)
        other.state_dict()[name].add_(1)
        assert weights_digest(other) != digest, name


@pytest.mark.parametrize(("channels", "classes"), [(0, 2), (9, 2), (1, 1), (1, 257)])
def test_refuses(channels: int, classes: int) -> None:
    with pytest.raises(InvalidArgumentError):
        UNet(channels, classes)


def test_the_package_imports_without_torch() -> None:
    code = "import sys, medsynth.segmentation; assert not {'torch', 'monai'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
