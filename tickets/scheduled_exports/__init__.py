"""Scheduled exports: links to tables, mailed to staff of an organizer every day, week or month."""
