"""Attack list, as tables: the request, the expected status and the expected code.

A shop runs as in production (DEBUG off, limits in force, logs at their loudest) on PostgreSQL and one on
SQLite, and is attacked over real sockets. Every attacker comes from an address of its own on the loopback
network, so that limits stay what they are and nobody eats another's. The first word of a test's id is its
case: A who you are, B what you may see and do, C what a request may look like, D browsers, E buying, money
and the door, S servers that strangers name, R limits. 5xx other than 503 is a failure everywhere.

Cases that do not apply here, and why:

    A09  refresh tokens reused: there are none; a token lives 24 hours and ends with its epoch
    C14  regular expressions: no search takes one (its wildcards are here)
    E03  a cool-down after unpaid expiries: thirty purchases from an address in the time of a hold,
         and five open orders of a person, end the same game, paid or not
    E06  refunds asked for by an API: there is no such endpoint; staff refund in the admin
    E14  currencies with decimals and rates: every price is whole sats
    E19  transferring a ticket: it has no transfer; its link is its key, its holder's name can be changed
    B15  spreadsheets: the shop makes none

Cases shown where their subject is tested, over sockets as well:

    A11  the time of a refused login:     tests/attacks/test_timing.py, in CPU time
    S06  rebinding, several A records:    payments/tests/test_uma_fetch.py
    S07  redirects:                       payments/tests/test_uma_fetch.py
    S08  endpoints on other hosts:        payments/tests/test_uma_push.py
    S10  turns per host, failed domains:  payments/tests/test_uma_fetch.py, payments/tests/test_uma_keys.py
    S11  certificates:                    payments/tests/test_uma_fetch.py
    S12  keys that change or never end:   payments/tests/test_uma_keys.py

Where the shop answers otherwise than the list by design: a changed e-mail address (A18) is 200 with the old
one until the new is proven; logging out by GET (A22) asks first; a free ticket's stream (B05) leads back to
its ticket; validating a code (B03, E16) is 200 with a reason; what is over for wallets (E08) is 400, UMA's
own status for INVOICE_EXPIRED; a missing Idempotency-Key (C17) makes every purchase one of its own.
"""
