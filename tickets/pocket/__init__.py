"""The shop as an app on a phone: manifest, service worker, tickets without a net. Could be deleted."""
