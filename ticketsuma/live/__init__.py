"""Open pages held by Pushpin, a proxy that speaks GRIP: only with GRIP_URL. Could be deleted."""
