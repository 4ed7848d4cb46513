"""Which browsers are here, where they look for native-messaging hosts, and what they find there."""
