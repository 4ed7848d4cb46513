"""Landmarks that were kept, read again: by pages, as files, and what follows from them."""
