"""Audio files to datasets, and datasets to batches."""
