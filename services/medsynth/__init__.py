"""Trains, serves and scores GANs on medical images with their masks."""
