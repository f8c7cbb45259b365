"""Audio files to arrays and back."""
