"""Writing models in the forms that other programs play."""
