"""Compares synthetic images with real ones, and writes the report."""
