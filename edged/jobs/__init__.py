"""The durable queue: what runs its jobs, and what fills it from watched folders."""
