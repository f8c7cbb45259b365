"""HTML pages: the report of a run, the page of a dataset, and the live page."""
