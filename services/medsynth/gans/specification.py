"""What a GAN is and how long it is trained, as plain values. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from medsynth.errors import InvalidArgumentError

PREFIX = "specification.gan"
SIZES = (32, 64, 128, 256)
"""Sides of the images that the networks can make, in pixels."""

OBJECTIVES = ("bce", "lsgan", "wasserstein", "wasserstein_gp", "hinge")
ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu")
NORMALISATIONS = ("batch", "instance", "layer", "none")
WEIGHT_INITS = ("normal", "xavier_normal", "xavier_uniform", "kaiming_normal")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")

_Check = Callable[[Any], bool]


def _one_of(*names: str) -> tuple[str, _Check]:
    return " or ".join(repr(name) for name in names), lambda value: value in names


def _whole(low: int, high: int) -> tuple[str, _Check]:
    return (
        f"a whole number from {low} to {high}",
        lambda value: (
            isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        ),
    )


def _number(low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> Any:
    words = (
        f"a number {'above' if open_low else 'from'} {low:g} {'to below' if open_high else 'to'}"
    )

    def check(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        above = low < value if open_low else low <= value
        return above and (value < high if open_high else value <= high)

    return f"{words} {high:g}", check


_TRUTH: tuple[str, _Check] = ("true or false", lambda value: isinstance(value, bool))

_ACCEPTED: Mapping[str, tuple[str, _Check]] = {
    "architecture": _one_of("dcgan"),
    "objective": _one_of(*OBJECTIVES),
    "latent_dim": _whole(2, 1024),
    "generator_filters": _whole(8, 256),
    "discriminator_filters": _whole(8, 256),
    "generator_activation": _one_of(*ACTIVATIONS),
    "discriminator_activation": _one_of(*ACTIVATIONS),
    "generator_normalisation": _one_of(*NORMALISATIONS),
    "discriminator_normalisation": _one_of(*NORMALISATIONS),
    "generator_spectral_norm": _TRUTH,
    "discriminator_spectral_norm": _TRUTH,
    "weight_init": _one_of(*WEIGHT_INITS),
    "init_gain": _number(0, 10, open_low=True),
    "optimiser": _one_of("adam", "rmsprop"),
    "generator_learning_rate": _number(0, 1, open_low=True),
    "discriminator_learning_rate": _number(0, 1, open_low=True),
    "beta1": _number(0, 1, open_high=True),
    "beta2": _number(0, 1, open_high=True),
    "discriminator_steps": _whole(1, 100),
    "clip_value": _number(0, 1),
    "gradient_penalty_weight": _number(0, 1000),
    "label_smoothing": _number(0, 0.5),
    "batch_size": _whole(2, 1024),
    "ema_half_life": _number(0, 1e9),
    "differentiable_augmentation": _TRUTH,
}


@dataclass(frozen=True)
class Dependent:
    """A field that means something under some values of another field alone.

    Attributes:
        field: The field.
        master: The field that decides.
        values: Values of the master under which the field has an effect.
        default: What the field becomes when the master is overridden to one of the values.
    """

    field: str
    master: str
    values: tuple[str, ...]
    default: float


DEPENDENTS = (
    Dependent("clip_value", "objective", ("wasserstein",), 0.01),
    Dependent("gradient_penalty_weight", "objective", ("wasserstein_gp",), 10.0),
    Dependent("label_smoothing", "objective", ("bce", "lsgan"), 0.0),
    Dependent("beta1", "optimiser", ("adam",), 0.5),
    Dependent("beta2", "optimiser", ("adam",), 0.999),
)
"""Where the master has another value the field is 0, and every other value is refused."""


@dataclass(frozen=True)
class GanSpecification:
    """Every setting of a GAN, filled in. The proto message of the same name documents the fields.

    The defaults are those of the preset `dcgan`; use `presets.specification` to start from another.
    """

    preset: str = "dcgan"
    architecture: str = "dcgan"
    objective: str = "bce"
    latent_dim: int = 100
    generator_filters: int = 64
    discriminator_filters: int = 64
    generator_activation: str = "relu"
    discriminator_activation: str = "leaky_relu"
    generator_normalisation: str = "batch"
    discriminator_normalisation: str = "batch"
    generator_spectral_norm: bool = False
    discriminator_spectral_norm: bool = False
    weight_init: str = "normal"
    init_gain: float = 0.02
    optimiser: str = "adam"
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    discriminator_steps: int = 1
    clip_value: float = 0.0
    gradient_penalty_weight: float = 0.0
    label_smoothing: float = 0.0
    batch_size: int = 128
    ema_half_life: float = 10_000.0
    differentiable_augmentation: bool = False

    def to_mapping(self) -> dict[str, Any]:
        """All fields by name, in types that JSON and the proto message know."""
        return asdict(self)

    @property
    def images_per_step(self) -> int:
        """Real images that the discriminator sees for each step of the generator."""
        return self.batch_size * self.discriminator_steps

    def validate(self) -> None:
        """Checks every field and the combinations that make no sense.

        Raises:
            InvalidArgumentError: Names the field, its value, what is accepted and why.
        """
        for name, (accepted, check) in _ACCEPTED.items():
            value = getattr(self, name)
            if not check(value):
                raise InvalidArgumentError.field(f"{PREFIX}.{name}", value, accepted)
        for dependent in DEPENDENTS:
            value, master = getattr(self, dependent.field), getattr(self, dependent.master)
            if value and master not in dependent.values:
                raise InvalidArgumentError.field(
                    f"{PREFIX}.{dependent.field}",
                    value,
                    f"0 or unset, because it has no effect with {dependent.master} {master!r} "
                    f"(only with {' or '.join(map(repr, dependent.values))})",
                )
        if self.objective == "wasserstein_gp" and self.discriminator_normalisation == "batch":
            raise InvalidArgumentError.field(
                f"{PREFIX}.discriminator_normalisation",
                "batch",
                "'instance', 'layer' or 'none' with objective 'wasserstein_gp', because the "
                "penalty is on each image's own gradient and batch normalisation mixes the images",
            )


@dataclass(frozen=True)
class TrainingRun:
    """One training: what, for how long, from which seed.

    Attributes:
        specification: The GAN.
        images: Real images that the discriminator is shown, 1 to 10^9; rounded up to whole steps.
        seed: Seed of every random number, 0 to 2^63-1.
        precision: `auto`, `float32`, `bfloat16` or `float16` (mixed; the last on a GPU alone).
        checkpoint_images: Images between checkpoints, 1 to 10^9.
        grid_images: Images between sample grids, 1 to 10^9.
        foreground_share: Of the images shown that have a label, above 0 to 1; 0: as they come.
    """

    specification: GanSpecification
    images: int = 100_000
    seed: int = 0
    precision: str = "auto"
    checkpoint_images: int = 20_000
    grid_images: int = 10_000
    foreground_share: float = 0.0

    def validate(self) -> None:
        """Checks every field.

        Raises:
            InvalidArgumentError: Names the field, its value and what is accepted.
        """
        self.specification.validate()
        checks = {
            "images": _whole(1, 10**9),
            "seed": _whole(0, 2**63 - 1),
            "precision": _one_of(*PRECISIONS),
            "checkpoint_images": _whole(1, 10**9),
            "grid_images": _whole(1, 10**9),
        }
        for name, (accepted, check) in checks.items():
            value = getattr(self, name)
            if not check(value):
                raise InvalidArgumentError.field(f"specification.{name}", value, accepted)


def validate_size(size: int) -> None:
    """Checks that the networks can make images of this side.

    Raises:
        InvalidArgumentError: The side is not a power of two from 32 to 256.
    """
    if size not in SIZES:
        raise InvalidArgumentError.field(
            "specification.data.preparation.size",
            size,
            f"{', '.join(map(str, SIZES[:-1]))} or {SIZES[-1]} pixels to train a GAN",
        )


FIELDS = tuple(field.name for field in fields(GanSpecification))
"""Names of the fields in the order of the proto message."""
