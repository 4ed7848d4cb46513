"""Fetches model files: runs in the process of `edged models pull`, never in the daemon."""
