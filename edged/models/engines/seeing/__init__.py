"""Seeing without an engine: streams of frames, what is kept of them, irises, and what follows from points."""
