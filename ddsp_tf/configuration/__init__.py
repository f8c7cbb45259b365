"""Loading of gin files, and the objects of a run that they describe."""
