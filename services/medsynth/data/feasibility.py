"""Whether what a preparation asks for can be had from what a source holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medsynth.data.preparation import Preparation
from medsynth.errors import InvalidArgumentError


def check_masks(
    preparation: Preparation, classes: Sequence[str], field: str = "specification.data.preparation"
) -> None:
    """Checks that nothing is asked of masks where there are none.

    Args:
        preparation: What is asked.
        classes: Names of the labels; empty without masks.
        field: Path of the preparation in the request, for errors.

    Raises:
        InvalidArgumentError: A field needs masks, and there are none.
    """
    if classes:
        return
    for name, without in (
        ("crop", ("none", "centre")),
        ("keep_empty_share", (1,)),
        ("foreground_share", (0,)),
    ):
        value = getattr(preparation, name)
        if value not in without:
            accepted = f"{' or '.join(map(str, without))}: the set has no masks"
            raise InvalidArgumentError.field(f"{field}.{name}", value, accepted)


def check_foreground_share(
    share: float,
    foreground: Iterable[bool],
    field: str = "specification.data.preparation.foreground_share",
) -> None:
    """Checks that a training can show so large a share of images with a label.

    Args:
        share: Of the preparation; 0 fits everything.
        foreground: For each image of the training split whether it has a label.
        field: Its path in the request, for errors.

    Raises:
        InvalidArgumentError: There are no images of a kind that has to be shown.
    """
    kinds = set(foreground)
    if share and True not in kinds:
        raise InvalidArgumentError.field(field, share, "0: no training image has a label")
    if 0 < share < 1 and False not in kinds:
        raise InvalidArgumentError.field(field, share, "0 or 1: every training image has a label")
