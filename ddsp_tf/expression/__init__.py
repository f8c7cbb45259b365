"""From notes to the curves that a model plays."""
