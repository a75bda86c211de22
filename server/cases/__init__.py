"""Sightings and the cases they make."""
