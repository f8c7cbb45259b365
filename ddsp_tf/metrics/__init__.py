"""Measures of how close a rendering comes to its target."""
