"""From a source to committed segments: the same code for a file, a client's bytes and a job."""
