"""Rates of bitcoin in other currencies, which the worker keeps fresh. Knows no event and no ticket."""
