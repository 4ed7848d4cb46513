"""Child processes that host native code: spawned, shut in, spoken to, judged and ended here."""
