"""Wallets connected by Nostr Wallet Connect (NIP-47), from which buyers pay at a press."""
