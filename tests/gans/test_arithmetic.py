from __future__ import annotations

import pytest
import torch
from torch import nn

from medsynth.errors import InvalidArgumentError
from medsynth.gans.arithmetic import choose_arithmetic, has_bfloat16
from tests.gans.tiny import CPU


def test_auto_is_mixed_precision_where_the_processor_has_it() -> None:
    expected = "bfloat16" if has_bfloat16(CPU) else "float32"
    assert choose_arithmetic(CPU, "auto").precision == expected
    assert choose_arithmetic(CPU, "float32").precision == "float32"


def test_convolutions_run_in_the_chosen_precision() -> None:
    layer, image = nn.Conv2d(1, 4, 3), torch.randn(1, 1, 8, 8)
    for precision in ("float32", "bfloat16"):
        with choose_arithmetic(CPU, precision).autocast():
            assert layer(image).dtype == getattr(torch, precision)


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(InvalidArgumentError, match="without a GPU"):
        choose_arithmetic(CPU, "float16")
