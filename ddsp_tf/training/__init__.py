"""Training: loop, schedule, logs and the run directory."""
