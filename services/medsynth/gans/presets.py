"""The named GANs: each a row of settings with the paper that it comes from. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from medsynth.errors import InvalidArgumentError
from medsynth.gans.specification import DEPENDENTS, FIELDS, PREFIX, GanSpecification


@dataclass(frozen=True)
class Preset:
    """A named row of the table of GANs.

    Attributes:
        name: What requests call it.
        summary: One sentence: what makes it that GAN.
        paper: Authors, title, year.
        specification: Every field with its default.
    """

    name: str
    summary: str
    paper: str
    specification: GanSpecification


_DCGAN = GanSpecification()

_ROWS = (
    Preset(
        "dcgan",
        "Strided convolutions, batch normalisation, LeakyReLU 0.2 and the non-saturating "
        "cross-entropy; Adam with beta1 0.5.",
        "Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional "
        "Generative Adversarial Networks, 2016",
        _DCGAN,
    ),
    Preset(
        "lsgan",
        "Least squares between logits and the targets 0 (generated) and 1 (real).",
        "Mao, Li, Xie, Lau, Wang, Smolley: Least Squares Generative Adversarial Networks, 2017",
        replace(_DCGAN, preset="lsgan", objective="lsgan", batch_size=64),
    ),
    Preset(
        "wgan",
        "A critic without probabilities, kept Lipschitz by clipping its weights to 0.01; five "
        "critic steps for each generator step, RMSprop.",
        "Arjovsky, Chintala, Bottou: Wasserstein GAN, 2017",
        replace(
            _DCGAN,
            preset="wgan",
            objective="wasserstein",
            clip_value=0.01,
            discriminator_steps=5,
            optimiser="rmsprop",
            generator_learning_rate=5e-5,
            discriminator_learning_rate=5e-5,
            beta1=0.0,
            beta2=0.0,
            batch_size=64,
        ),
    ),
    Preset(
        "wgan-gp",
        "A Wasserstein critic whose gradient between real and generated images is drawn to norm 1, "
        "image by image; layer instead of batch normalisation in the critic.",
        "Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville: Improved Training of Wasserstein GANs, "
        "2017",
        replace(
            _DCGAN,
            preset="wgan-gp",
            objective="wasserstein_gp",
            gradient_penalty_weight=10.0,
            discriminator_normalisation="layer",
            discriminator_steps=5,
            weight_init="kaiming_normal",
            init_gain=1.0,
            generator_learning_rate=1e-4,
            discriminator_learning_rate=1e-4,
            beta1=0.0,
            beta2=0.9,
            batch_size=64,
        ),
    ),
    Preset(
        "hinge",
        "The margin losses of Geometric GAN; the discriminator is kept Lipschitz by spectral "
        "normalisation and both are trained by Adam, as in Miyato 2018 (its setting for one "
        "discriminator step), where the paper of the losses has RMSprop and ten generator steps.",
        "Lim, Ye: Geometric GAN, 2017; Miyato, Kataoka, Koyama, Yoshida: Spectral Normalization "
        "for Generative Adversarial Networks, 2018",
        replace(
            _DCGAN,
            preset="hinge",
            objective="hinge",
            latent_dim=128,
            discriminator_normalisation="none",
            discriminator_spectral_norm=True,
            batch_size=64,
        ),
    ),
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ROWS}
"""All presets by name."""


def specification(preset: str, overrides: Mapping[str, Any] | None = None) -> GanSpecification:
    """A preset's specification with some fields replaced, validated.

    A field that means something under one objective or optimiser alone (`DEPENDENTS`) follows when
    that is overridden and the field is not: it becomes 0 where it has no effect, and its usual
    default where it begins to have one.

    Args:
        preset: Name of a preset.
        overrides: Values by field name.

    Raises:
        InvalidArgumentError: Unknown preset or field, or a value or combination that makes no
            sense.
    """
    if preset not in PRESETS:
        raise InvalidArgumentError.field(f"{PREFIX}.preset", preset, f"one of {', '.join(PRESETS)}")
    given = dict(overrides or {})
    given.pop("preset", None)
    for name in given:
        if name not in FIELDS:
            raise InvalidArgumentError.field(
                f"{PREFIX}.{name}", given[name], f"no such field, but one of {', '.join(FIELDS)}"
            )
    base = PRESETS[preset].specification
    chosen = replace(base, **given)
    for dependent in DEPENDENTS:
        before = getattr(base, dependent.master) in dependent.values
        now = getattr(chosen, dependent.master) in dependent.values
        if before != now and dependent.field not in given:
            value: Any = dependent.default if now else 0.0
            chosen = replace(chosen, **{dependent.field: value})
    chosen.validate()
    return chosen


class _Message(Protocol):
    def ListFields(self) -> Any: ...  # noqa: N802


def from_message(message: _Message) -> GanSpecification:
    """The specification of a message `GanSpecification`: its preset and the fields that are set.

    Raises:
        InvalidArgumentError: As for `specification`.
    """
    given = {descriptor.name: value for descriptor, value in message.ListFields()}
    return specification(given.pop("preset", ""), given)
