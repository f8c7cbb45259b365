"""Measuring trained models, and the page that shows the result."""
