"""Pitch and loudness measured on audio, one value per frame."""
