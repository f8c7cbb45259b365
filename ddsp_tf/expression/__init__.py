"""Turning notes into the curves that a model plays."""
