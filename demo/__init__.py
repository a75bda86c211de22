"""The whole chain on one machine; nothing imports it."""
