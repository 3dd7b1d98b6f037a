from __future__ import annotations

import pytest

from medsynth.data.inspection import HEEDED, check_heeded
from medsynth.data.preparation import Preparation
from medsynth.errors import InvalidArgumentError


def test_what_an_inspection_does_not_heed_is_refused() -> None:
    heeded = {"orientation": "standard", "channels": 1, "label_map": {1: 2}, "split_seed": 3}
    check_heeded(Preparation.from_mapping(heeded))
    for name, value in {"size": 128, "crop": "centre", "bad_share": 0.1, "spacing": 2}.items():
        with pytest.raises(InvalidArgumentError, match="heeds orientation") as caught:
            check_heeded(Preparation.from_mapping({name: value}), "specification.preparation")
        assert caught.value.violations[0].field == f"specification.preparation.{name}"
    assert set(HEEDED) < set(Preparation().to_mapping())
