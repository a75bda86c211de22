"""What may leave for a city: categories live, live for sandboxes alone, or in shadow."""
