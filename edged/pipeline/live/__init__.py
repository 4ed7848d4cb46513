"""Live captions of one recording: what is pushed is heard, recognised, committed and told."""
