"""The back office for other programs: what its pages show, as JSON, for who has a token."""
