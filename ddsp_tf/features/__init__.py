"""Measurement of pitch and loudness, one value per frame, and of notes."""
