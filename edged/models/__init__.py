"""Models: their manifests and files, the adapters that run them, and the pool that lends them."""
