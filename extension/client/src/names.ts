// Made by packaging/make_extension_tables.py from the daemon's own tables: do not edit.

/** The native-messaging host. */
export const HOST_NAME = "org.edged.host";

/** The version of edged that this was made for. */
export const VERSION = "0.1.0";
