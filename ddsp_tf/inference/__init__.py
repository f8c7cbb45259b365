"""Loading trained models, and playing them."""
