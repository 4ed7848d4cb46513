"""Frames become sights: choosing models, looking at pictures, videos, streams and sessions."""
