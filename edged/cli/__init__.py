"""The command line: a thin face over the daemon's requests; every command has --json.

Rich and asyncio are imported only where something is drawn or served, because `edged status` is
asked often and must start at once.
"""
