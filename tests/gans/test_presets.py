from __future__ import annotations

import subprocess
import sys

import pytest

from medsynth.errors import InvalidArgumentError
from medsynth.gans.presets import PRESETS, from_message, specification
from medsynth.v1 import types_pb2


def test_each_preset_is_valid_and_described() -> None:
    assert list(PRESETS) == ["dcgan", "lsgan", "wgan", "wgan-gp", "hinge"]
    for name, preset in PRESETS.items():
        preset.specification.validate()
        assert preset.name == preset.specification.preset == name
        assert preset.summary.endswith(".")
        assert any(year in preset.paper for year in ("2016", "2017"))


def test_the_papers_values() -> None:
    dcgan = PRESETS["dcgan"].specification
    assert (dcgan.generator_learning_rate, dcgan.beta1, dcgan.batch_size) == (2e-4, 0.5, 128)
    assert (dcgan.weight_init, dcgan.init_gain, dcgan.latent_dim) == ("normal", 0.02, 100)
    wgan = PRESETS["wgan"].specification
    assert (wgan.clip_value, wgan.discriminator_steps, wgan.optimiser) == (0.01, 5, "rmsprop")
    assert wgan.discriminator_learning_rate == 5e-5
    gp = PRESETS["wgan-gp"].specification
    assert (gp.gradient_penalty_weight, gp.discriminator_steps) == (10, 5)
    assert (gp.beta1, gp.beta2, gp.generator_learning_rate) == (0, 0.9, 1e-4)
    assert gp.discriminator_normalisation != "batch"
    assert PRESETS["lsgan"].specification.objective == "lsgan"
    hinge = PRESETS["hinge"]
    assert hinge.specification.objective == "hinge"
    assert hinge.specification.discriminator_spectral_norm
    assert "spectral" in hinge.summary


def test_overrides_replace_fields_alone() -> None:
    chosen = specification("hinge", {"batch_size": 32})
    assert chosen.batch_size == 32
    assert chosen.to_mapping() | {"batch_size": 64} == specification("hinge").to_mapping()


def test_fields_that_lose_or_gain_their_meaning_follow() -> None:
    assert specification("wgan", {"objective": "hinge"}).clip_value == 0
    assert specification("hinge", {"objective": "wasserstein"}).clip_value == 0.01
    assert specification("hinge", {"objective": "wasserstein_gp"}).gradient_penalty_weight == 10
    assert specification("hinge", {"optimiser": "rmsprop"}).beta1 == 0
    adam = specification("wgan", {"optimiser": "adam"})
    assert (adam.beta1, adam.beta2) == (0.5, 0.999)
    unclipped = specification("hinge", {"objective": "wasserstein", "clip_value": 0.0})
    assert unclipped.clip_value == 0


def test_what_is_named_without_meaning_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="clip_value"):
        specification("wgan", {"objective": "hinge", "clip_value": 0.01})


def test_unknown_names_are_refused_with_those_that_exist() -> None:
    with pytest.raises(InvalidArgumentError, match="dcgan, lsgan, wgan, wgan-gp, hinge"):
        specification("stylegan9")
    with pytest.raises(InvalidArgumentError, match="no such field") as caught:
        specification("hinge", {"filters": 3})
    assert caught.value.violations[0].field == "specification.gan.filters"


def test_a_message_gives_its_set_fields_even_when_they_are_zero() -> None:
    message = types_pb2.GanSpecification(preset="wgan", clip_value=0.0, batch_size=16)
    chosen = from_message(message)
    assert (chosen.clip_value, chosen.batch_size) == (0, 16)
    assert from_message(types_pb2.GanSpecification(**chosen.to_mapping())) == chosen
    with pytest.raises(InvalidArgumentError, match="preset"):
        from_message(types_pb2.GanSpecification())


def test_no_torch_is_imported_for_settings_and_latents() -> None:
    code = (
        "import sys; from medsynth.gans import PRESETS, latents, specification, TrainingRun;"
        "specification('hinge'); latents('d', 0, 0, 2, 3);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'onnx', 'onnxruntime', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lazy_names_are_there() -> None:
    import medsynth.gans

    for name in medsynth.gans.__all__:
        assert getattr(medsynth.gans, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = medsynth.gans.nothing
