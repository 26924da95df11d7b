"""The door without a net: signed QRs, the list of an event's tickets, scans merged later."""
