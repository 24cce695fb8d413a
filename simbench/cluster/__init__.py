"""Other machines: a dask scheduler, and which of its workers have the same tools as this one."""
