"""What can be seen: taxonomy, wire contract, packs, runtimes, pixels, redaction."""
