"""From gin files to the objects of a run."""
