from __future__ import annotations

import numpy as np
import pytest

from medsynth.errors import DataError
from medsynth.levels import array_type, as_bytes, bits_of, brightest


def test_each_of_16_bits_becomes_the_nearest_of_8() -> None:
    levels = np.arange(2**16, dtype=np.uint16)
    expected = np.rint(levels / 65535 * 255)
    np.testing.assert_array_equal(as_bytes(levels), expected)
    assert as_bytes(levels).dtype == np.uint8


def test_bytes_stay_as_they_are() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert as_bytes(levels) is levels


def test_levels_and_their_arrays() -> None:
    for bits, highest in ((8, 255), (16, 65535)):
        assert brightest(bits) == highest == np.iinfo(array_type(bits)).max
        assert bits_of(np.zeros(2, array_type(bits))) == bits
        assert bits_of(np.zeros(2, array_type(bits).newbyteorder(">"))) == bits


@pytest.mark.parametrize("kind", ["int16", "float32", "uint32", "bool"])
def test_other_arrays_hold_no_levels(kind: str) -> None:
    with pytest.raises(DataError, match=f"scan.png: {kind}, expected uint8 or uint16"):
        bits_of(np.zeros(2, kind), "scan.png")
