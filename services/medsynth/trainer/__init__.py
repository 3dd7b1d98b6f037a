"""Turns data sources into prepared sets, and prepared sets into generators."""
