"""The Python client: everything that the three services do, as typed methods."""

from __future__ import annotations

from medsynth.client.client import Client
from medsynth.client.errors import from_status
from medsynth.client.jobs import Job, error_of, has_ended
from medsynth.client.sampler import Batch

__all__ = ["Batch", "Client", "Job", "error_of", "from_status", "has_ended"]
