"""Cities, fleets, vehicles."""
