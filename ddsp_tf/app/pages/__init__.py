"""Pages to look at and listen to: the report of a run, and of a dataset."""
