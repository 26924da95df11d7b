"""Web pushes: news of one's tickets on a phone or desktop (RFC 8030, 8291, 8292). Could be deleted."""
