"""What the services have in common: jobs, remote calls, artifacts, telemetry."""
