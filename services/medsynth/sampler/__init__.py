"""Publishes generators to Triton and draws images from them."""
