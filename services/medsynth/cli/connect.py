"""The client of the services that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medsynth.client import Client


def connect() -> Client:
    """A client of the stack on this machine, or of the services that the environment names."""
    from medsynth.client import Client
    from medsynth.local.addresses import local_settings

    settings = local_settings()
    return Client(
        trainer=settings.trainer_address,
        sampler=settings.sampler_address,
        evaluator=settings.evaluator_address,
    )
