"""How long what is known is kept, and copies of it: retention, backup, restore."""
