"""Media in: decoding in a worker, files and watched folders in the daemon."""
