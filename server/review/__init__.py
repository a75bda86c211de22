"""The queue: lease, verdict, undo."""
