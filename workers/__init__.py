"""RQ jobs, the schedule and the worker process."""
