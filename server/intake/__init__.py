"""From MQTT to rows, then the acknowledgement."""
