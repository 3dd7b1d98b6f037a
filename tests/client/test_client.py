from __future__ import annotations

import inspect
import subprocess
import sys

from medsynth.client import Client
from medsynth.settings import Settings


def test_the_default_addresses_are_those_of_the_settings() -> None:
    parameters = inspect.signature(Client).parameters
    for service in ("trainer", "sampler", "evaluator"):
        default = Settings.model_fields[f"{service}_address"].default
        assert parameters[service].default == default


def test_the_client_needs_nothing_of_the_rest_of_the_house() -> None:
    program = (
        "import sys, medsynth.client\n"
        "print(sorted(name for name in sys.modules if name.startswith('medsynth.') "
        "and not name.startswith(('medsynth.client', 'medsynth.v1', 'medsynth.errors'))))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout == b"[]\n"
