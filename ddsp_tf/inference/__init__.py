"""Loading and playing trained models."""
