"""What would give the patients of a source away if it stood in a path or in another text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from medsynth.data.readers.dicom.elements import items, texts

if TYPE_CHECKING:
    from pydicom import Dataset

_NAMES: Final = (
    "PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName",
    "ReferringPhysicianName", "PerformingPhysicianName", "RequestingPhysician", "OperatorsName",
    "NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "ResponsiblePerson", "InstitutionName",
)  # fmt: skip
_NUMBERS: Final = (
    "PatientID", "OtherPatientIDs", "IssuerOfPatientID", "AccessionNumber", "StudyID",
    "PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate",
)  # fmt: skip
_OTHERS: Final = "OtherPatientIDsSequence"
KEYWORDS: Final = (*_NAMES, *_NUMBERS, _OTHERS)
"""Of the header's elements that this module looks at."""

_SHORTEST_TOKEN: Final = 3
_SHORTEST_FOREIGN: Final = 2
_LAST_LATIN: Final = 0x2FF
_SHORTEST_DIGITS: Final = 6
"""Digits that give a person away wherever they stand; fewer are looked for as whole numbers."""

_LATIN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae"})


class Identities:
    """The words and numbers by which headers name the patients of a source."""

    def __init__(self) -> None:
        self._own: dict[str, set[str]] = {}
        self._words: dict[str, str] = {}
        self._lengths: set[int] = set()
        self._seen: set[tuple[str, ...]] = set()

    def add(self, patient: str, dataset: Dataset) -> None:
        """Takes note of a header.

        Args:
            patient: Its pseudonym.
            dataset: The header.
        """
        names = [name for keyword in _NAMES for name in texts(dataset, keyword)]
        codes = [code for keyword in _NUMBERS for code in texts(dataset, keyword)]
        for other in items(dataset, _OTHERS):
            codes += texts(other, "PatientID")
        seen = (patient, *names, "", *codes)
        if seen in self._seen:
            return
        self._seen.add(seen)
        own = self._own.setdefault(patient, set())
        for token in _tokens(names, codes):
            if token not in own:
                own.add(token)
                self._words.setdefault(token, patient)
                self._lengths.add(len(token))

    def found(self, name: str, patient: str = "") -> str:
        """The pseudonym of whom a name gives away, or empty.

        Args:
            name: One component of a path, or another text.
            patient: Pseudonym of whom it is likely to be about. What only resembles another
                patient is not looked for then.
        """
        words, squeezed = _words(name)
        own = self._own.get(patient, set())
        if any(token in words or (_tells(token) and token in squeezed) for token in own):
            return patient
        for word in words:
            if word in self._words:
                return self._words[word]
        return "" if patient else self._anyone(squeezed, _tells)

    def named_in(self, words: str) -> bool:
        """Whether a text that is about anatomy gives any patient away.

        By whole words, or by parts of words that are too long to be a part of them by chance.
        """
        alone, squeezed = _words(words)
        return any(word in self._words for word in alone) or bool(self._anyone(squeezed, _stands))

    def _anyone(self, squeezed: str, tells: Callable[[str], bool]) -> str:
        for length in sorted(self._lengths, reverse=True):
            for start in range(len(squeezed) - length + 1):
                token = squeezed[start : start + length]
                if token in self._words and tells(token):
                    return self._words[token]
        return ""


def _tokens(names: Iterable[str], codes: Iterable[str]) -> Iterator[str]:
    """What would give a person away, squeezed."""
    # A name may be written in up to three scripts, one after the other.
    for spelling in (spelling for name in names for spelling in name.split("=")):
        parts = [part for part in re.split(r"[\W_]+", spelling) if part]
        letters = [part for part in parts if sum(map(str.isalpha, part)) >= _shortest(part)]
        yield from _long(word for part in letters for word in _spellings(part))
        yield from _long(_squeezed(whole) for whole in ("".join(parts), "".join(parts[::-1])))
    for code in map(_squeezed, codes):
        yield from _long([code])
        if re.fullmatch(r"(?:19|20)\d{6}", code):
            yield from (code[6:] + code[4:6] + code[:4], code[4:6] + code[6:] + code[:4])


def _long(tokens: Iterable[str]) -> Iterator[str]:
    for token in tokens:
        stripped = token if _tells(token) else token.lstrip("0")
        if len(stripped) >= _shortest(stripped):
            yield stripped


def _shortest(token: str) -> int:
    """Signs that give a person away: fewer in scripts whose signs say more than a letter does."""
    return _SHORTEST_FOREIGN if any(ord(sign) > _LAST_LATIN for sign in token) else _SHORTEST_TOKEN


def _spellings(word: str) -> set[str]:
    return {_squeezed(word), _squeezed(word.casefold().translate(_LATIN))}


@lru_cache(2**12)
def _squeezed(name: str) -> str:
    """Lower-case letters without accents, and digits."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in plain if sign.isalnum())


def _words(name: str) -> tuple[set[str], str]:
    """The words and numbers in a name, and all of it squeezed."""
    squeezed = _squeezed(name)
    parts = {_squeezed(part) for part in re.split(r"[\W_]+", name)}
    numbers = {number.lstrip("0") for number in re.findall(r"\d+", squeezed)}
    return parts | numbers | {squeezed}, squeezed


def _tells(token: str) -> bool:
    """Whether it gives a person away even as a part of a word."""
    return not token.isdigit() or len(token) >= _SHORTEST_DIGITS


def _stands(token: str) -> bool:
    """Whether it gives a person away even as a part of a word about something else."""
    return len(token) >= 3 * (_shortest(token) - 1)
