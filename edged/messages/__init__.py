"""Every message of the protocol as a typed struct; PROTOCOL.md is their document."""
