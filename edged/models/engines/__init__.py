"""One adapter per engine; imported in a model worker only, by name, when a manifest asks."""
