"""Adam and RMSprop by PyTorch's own kernels, without PyTorch's compiler.

`torch.optim.Optimizer` imports the compiler at its first step: seconds, in which no training has
begun. The functional forms of the same optimisers do not, and give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop

_EPSILON: Final = 1e-8
_ALPHA: Final = 0.99


class Optimiser(Protocol):
    """What a training asks of an optimiser.

    Attributes:
        param_groups: The parameters as `torch.amp.GradScaler` looks for them.
    """

    param_groups: list[dict[str, Any]]

    def zero_grad(self) -> None:
        """Forgets the gradients."""

    def step(self) -> None:
        """Moves the parameters; each of them has a gradient."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on beside parameters and gradients."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Reverses `state_dict`."""


class _Moments:
    """Parameters with a running mean of each, and the number of steps.

    Args:
        parameters: Of one network.
        names: Of the running means.
    """

    def __init__(self, parameters: Iterable[Tensor], *names: str) -> None:
        self._parameters = list(parameters)
        self.param_groups: list[dict[str, Any]] = [{"params": self._parameters}]
        self._moments = {
            name: [
                torch.zeros_like(parameter, memory_format=torch.preserve_format)
                for parameter in self._parameters
            ]
            for name in names
        }
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Running means and steps."""
        return {**self._moments, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Reverses `state_dict`."""
        for name, tensors in self.state_dict().items():
            for tensor, saved in zip(tensors, state[name], strict=True):
                tensor.copy_(saved)

    def _gradients(self) -> list[Tensor]:
        found = [parameter.grad for parameter in self._parameters]
        return [gradient for gradient in found if gradient is not None]


class Adam(_Moments):
    """Adam (Kingma and Ba 2015), fused; epsilon 1e-8.

    Args:
        parameters: Of one network.
        rate: Learning rate.
        beta1: Decay of the mean of the gradients.
        beta2: Decay of the mean of their squares.
    """

    def __init__(
        self, parameters: Iterable[Tensor], rate: float, beta1: float, beta2: float
    ) -> None:
        super().__init__(parameters, "means", "squares")
        self._rate, self._beta1, self._beta2 = rate, beta1, beta2

    @torch.no_grad()
    def step(self) -> None:
        """Moves the parameters; each of them has a gradient."""
        adam(
            self._parameters,
            self._gradients(),
            self._moments["means"],
            self._moments["squares"],
            [],
            self._steps,
            fused=True,
            amsgrad=False,
            beta1=self._beta1,
            beta2=self._beta2,
            lr=self._rate,
            weight_decay=0.0,
            eps=_EPSILON,
            maximize=False,
        )


class RMSprop(_Moments):
    """RMSprop (Tieleman and Hinton 2012) with decay 0.99 and epsilon 1e-8.

    Args:
        parameters: Of one network.
        rate: Learning rate.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float) -> None:
        super().__init__(parameters, "squares")
        self._rate = rate

    @torch.no_grad()
    def step(self) -> None:
        """Moves the parameters; each of them has a gradient."""
        rmsprop(
            self._parameters,
            self._gradients(),
            self._moments["squares"],
            [],
            [],
            self._steps,
            foreach=True,
            lr=self._rate,
            alpha=_ALPHA,
            eps=_EPSILON,
            weight_decay=0.0,
            momentum=0.0,
            centered=False,
        )
