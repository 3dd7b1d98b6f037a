"""Generated from proto/medsynth/v1 by `make proto`."""
