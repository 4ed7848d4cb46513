"""The work after a recording's end: who spoke when, what was said and how, saved in one go."""
