"""The wire: framing without I/O, one ROUTER, and the clients that talk to it."""
