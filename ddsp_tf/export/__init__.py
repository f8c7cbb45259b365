"""Export of models to the formats that other programs play."""
