"""The native-messaging host: relays between a browser's pipes and the daemon's socket."""
