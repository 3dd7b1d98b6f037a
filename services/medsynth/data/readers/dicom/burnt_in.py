"""Text in the pixels of an image, which may name the patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medsynth.data.readers.dicom.elements import class_of, text, texts
from medsynth.data.readers.dicom.ultrasound import is_ultrasound, regions_of, usable
from medsynth.errors import DataError

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = (
    "BurnedInAnnotation", "RecognizableVisualFeatures", "ConversionType", "ImageType",
)  # fmt: skip
"""Of the header's elements that this module looks at."""

_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_CAPTURED: Final = ("WSD", "SD", "DF", "DV")
"""Made from a screen, paper, film or video."""

_COMPUTED: Final = "SYN"


def check_text(dataset: Dataset, name: Path, shape: tuple[int, int, int]) -> None:
    """Refuses an image whose header says that text is burnt into its pixels.

    Ultrasound is let through if its regions tell what to blank.

    Args:
        dataset: The header.
        name: Of the file, for messages.
        shape: Channels, rows, columns.

    Raises:
        DataError: It has text in its pixels.
    """
    if _burnt_in(dataset) == "YES" and not _blanked(dataset, shape):
        raise DataError(f"{name}: its pixels have text burnt in, which may name the patient")


def text_remarks(dataset: Dataset, shape: tuple[int, int, int]) -> Iterator[str]:
    """What the pixels may give away of the patient.

    Args:
        dataset: The header.
        shape: Channels, rows, columns.

    Yields:
        Remarks for `Volume`.
    """
    if text(dataset, "RecognizableVisualFeatures") == "YES":
        yield "its images show features by which the patient may be recognised"
    if _burnt_in(dataset) == "NO":
        return
    if is_ultrasound(dataset):
        if not _blanked(dataset, shape):
            yield "no regions say where its pixels may have text that names the patient"
    elif is_captured(dataset):
        yield "captured from a screen, paper or film: text in its pixels may name the patient"


def is_captured(dataset: Dataset) -> bool:
    """Whether an image was made from a screen, paper, film or video, or by who does not say how."""
    kind = text(dataset, "ConversionType")
    return (
        (class_of(dataset).startswith(_SECONDARY_CAPTURE) and kind != _COMPUTED)
        or kind in _CAPTURED
        or "SCREEN SAVE" in texts(dataset, "ImageType")
    )


def _burnt_in(dataset: Dataset) -> str:
    return text(dataset, "BurnedInAnnotation").upper()


def _blanked(dataset: Dataset, shape: tuple[int, int, int]) -> bool:
    return is_ultrasound(dataset) and usable(regions_of(dataset), *shape[1:])
