"""Mail health: mails that came back, addresses that get none any more, and what a mail provider tells."""
