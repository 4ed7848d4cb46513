"""How long a request computed."""

from time import perf_counter_ns


def since(began: int) -> int:
    """Microseconds since a reading of perf_counter_ns."""
    return (perf_counter_ns() - began) // 1000
