"""Sessions: what is recorded now, was recorded, and who owns the tasks of running captures."""
