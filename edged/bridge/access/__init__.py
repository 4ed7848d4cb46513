"""Who may ask what: one ceremony for browser extensions, TCP keys and local programs."""
