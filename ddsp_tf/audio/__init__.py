"""Finding, decoding and writing audio files."""
