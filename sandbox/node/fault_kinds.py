"""Kinds of faults: the table that the page, the API and the README show."""

from dataclasses import dataclass, field

Params = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Kind:
    """One fault: where it strikes, what happens, what `match` is compared with, its parameters' defaults."""

    name: str
    group: str
    says: str
    match: str = ""
    delay_s: float | None = None
    params: Params = field(default_factory=dict)


OPERATION = "operation name, for example CreateUmaInvoice"
HASH = "payment hash"
WALLET = "wallet user"
NODE = "node id"
EXCHANGE = "alpha, beta, gamma"
ENDPOINT = "keys, configuration, push, lnurlp, payreq"

KINDS = {
    kind.name: kind
    for kind in (
        Kind("webhook_lost", "Webhooks", "never sent", HASH),
        Kind("webhook_duplicate", "Webhooks", "sent `times` times, all at once", HASH, params={"times": 2}),
        Kind("webhook_late", "Webhooks", "sent `delay_s` later", HASH, 20),
        Kind("webhook_shuffled", "Webhooks", "sent in any order, each within `delay_s`", HASH, 5),
        Kind("webhook_forged", "Webhooks", "signed with a wrong key", HASH),
        Kind("node_slow", "Node", "waits `delay_s`, then does the work and answers", OPERATION, 5),
        Kind("node_late", "Node", "does the work, then answers `delay_s` later", OPERATION, 10),
        Kind("node_hang", "Node", "does nothing and closes the socket after `delay_s`", OPERATION, 30),
        Kind("node_500", "Node", "HTTP 500, nothing done", OPERATION),
        Kind("node_429", "Node", "HTTP 429, nothing done", OPERATION),
        Kind(
            "node_error",
            "Node",
            "HTTP 200 with a GraphQL error whose `extensions.error_name` is `name`, nothing done",
            OPERATION,
            params={"name": "LightsparkException"},
        ),
        Kind("node_bad_json", "Node", "does the work, answers something that is no JSON", OPERATION),
        Kind("node_html", "Node", "answers an HTML page with status 200, nothing done", OPERATION),
        Kind("node_drip", "Node", "does the work, answers a byte at a time for `delay_s`", OPERATION, 30),
        Kind("commit_then_drop", "Node", "does the work, then closes the socket", OPERATION),
        Kind("future_enum", "Node", "answers with statuses that no SDK knows yet", OPERATION),
        Kind("other_units", "Node", "answers amounts of whole sats as SATOSHI", OPERATION),
        Kind("node_no_balances", "Node", "the node's `balances` are null", NODE),
        Kind("node_remote_signing", "Node", "the node signs remotely: its key cannot be recovered", NODE),
        Kind("wrong_network", "Payments", "invoices are made for `network`", params={"network": "MAINNET"}),
        Kind(
            "wrong_invoice_amount",
            "Payments",
            "invoices are made over `delta_msats` more than was asked for",
            params={"delta_msats": 1000},
        ),
        Kind(
            "wrong_amount",
            "Payments",
            "a payer sends `delta_msats` more (or less, if negative) than the invoice says",
            HASH,
            params={"delta_msats": 1000},
        ),
        Kind("duplicate_payment", "Payments", "the same BOLT11 is paid twice", HASH),
        Kind(
            "payment_pending",
            "Payments",
            "stays PENDING for `delay_s`, then becomes `then` (SUCCESS or a failure reason)",
            HASH,
            10,
            {"then": "SUCCESS"},
        ),
        Kind("payment_failed", "Payments", "fails with `reason`", HASH, params={"reason": "NO_ROUTE"}),
        Kind(
            "no_route",
            "Payments",
            "nobody finds a route to the payee until `delay_s` after this was switched on",
            "payment hash or name of the payee's node, for example wallet",
            3600,
        ),
        Kind(
            "route_costs",
            "Payments",
            "the cheapest route costs `fee_msats`: a lower maximum finds no route",
            "payment hash or id of the payer's node",
            params={"fee_msats": 5000},
        ),
        Kind(
            "channel_opening_fees",
            "Payments",
            "a channel is opened for it: `fee_msats` less arrive, and a webhook CHANNEL_OPENING_FEES",
            HASH,
            params={"fee_msats": 3000},
        ),
        Kind(
            "pay_canceled", "Payments", "canceled and expired invoices can still be paid (a late HTLC)", HASH
        ),
        Kind(
            "push_refused", "Push", "a UMA Request is refused with `status`", WALLET, params={"status": 400}
        ),
        Kind("push_hang", "Push", "a UMA Request hangs for `delay_s`", WALLET, 30),
        Kind("push_500", "Push", "a UMA Request is answered with HTTP 500", WALLET),
        Kind(
            "push_redirect",
            "Push",
            "a UMA Request is redirected to `location`",
            WALLET,
            params={"location": "http://127.0.0.1:1/"},
        ),
        Kind("push_accepts_unknown", "Push", "a UMA Request for a user that does not exist gets 200", WALLET),
        Kind("vasp_hang", "VASP endpoints", "hangs for `delay_s`", ENDPOINT, 30),
        Kind("vasp_500", "VASP endpoints", "HTTP 500", ENDPOINT),
        Kind(
            "vasp_redirect",
            "VASP endpoints",
            "redirects to `location`",
            ENDPOINT,
            params={"location": "http://127.0.0.1:1/"},
        ),
        Kind("vasp_drip", "VASP endpoints", "answers a byte at a time for `delay_s`", ENDPOINT, 30),
        Kind(
            "vasp_slow_headers",
            "VASP endpoints",
            "sends the head of its answer a line at a time for `delay_s`",
            ENDPOINT,
            30,
        ),
        Kind(
            "vasp_endless_headers",
            "VASP endpoints",
            "sends `megabytes` of headers",
            ENDPOINT,
            params={"megabytes": 64},
        ),
        Kind(
            "vasp_huge", "VASP endpoints", "answers `megabytes` of data", ENDPOINT, params={"megabytes": 64}
        ),
        Kind(
            "vasp_gzip_bomb",
            "VASP endpoints",
            "answers a small gzip of `megabytes`",
            ENDPOINT,
            params={"megabytes": 64},
        ),
        Kind("vasp_bad_json", "VASP endpoints", "answers something that is no JSON", ENDPOINT),
        Kind("vasp_wrong_types", "VASP endpoints", "answers JSON of the wrong shape", ENDPOINT),
        Kind(
            "vasp_bad_tls",
            "VASP endpoints",
            "names https addresses on its own port, where no TLS handshake succeeds",
            "configuration, lnurlp",
        ),
        Kind("vasp_wrong_key", "VASP endpoints", "publishes keys that did not sign anything"),
        Kind("wallet_thousandth", "Wallet", "asks to pay 1/1000 of a SAT invoice, or cents as msats", WALLET),
        Kind(
            "wallet_converts",
            "Wallet",
            "pays an address in the first currency it offers, with the `lock` on receiver or sender",
            WALLET,
            params={"lock": "receiver"},
        ),
        Kind("wallet_pays_twice", "Wallet", "pays the same UMA invoice twice", WALLET),
        Kind("wallet_v0", "Wallet", "speaks UMA 0.3 only", WALLET),
        Kind(
            "wallet_strict",
            "Wallet",
            "verifies everything the receiver sent, and refuses on any doubt",
            WALLET,
        ),
        Kind(
            "wallet_lnurl_only", "Wallet", "knows no UMA: `$name` is refused, `name` is paid by LNURL", WALLET
        ),
        Kind(
            "wallet_future_version",
            "Wallet",
            "first speaks UMA 9.0, then the best version the 412 offers",
            WALLET,
        ),
        Kind("wallet_travel_rule", "Wallet", "sends encrypted travel rule information unasked", WALLET),
        Kind(
            "wallet_backed",
            "Wallet",
            "adds a backing signature to the payreq, `signature` being valid or forged",
            WALLET,
            params={"signature": "valid"},
        ),
        Kind("wallet_ignores_expiry", "Wallet", "approves and pays requests that expired", WALLET),
        Kind(
            "wallet_in_dollars",
            "Wallet",
            "receives `currency` only, a smallest unit for `msats_per_unit`, less `fee_msats` each time",
            WALLET,
            params={"currency": "USD", "decimals": 2, "msats_per_unit": 15_000, "fee_msats": 2500},
        ),
        Kind(
            "wallet_wants_payer_data",
            "Wallet",
            "is paid only by who gives a name and an e-mail address (LUD-18)",
            WALLET,
        ),
        Kind("nwc_silent", "Connected wallet", "a request to pay is never answered, nor paid", WALLET),
        Kind("nwc_late", "Connected wallet", "a request to pay is followed `delay_s` later", WALLET, 30),
        Kind("nwc_answers_twice", "Connected wallet", "answers every request twice", WALLET),
        Kind("nwc_pays_twice", "Connected wallet", "pays the same BOLT11 twice", WALLET),
        Kind("nwc_wrong_preimage", "Connected wallet", "pays, and names another preimage", WALLET),
        Kind(
            "nwc_refuses",
            "Connected wallet",
            "refuses to pay with NIP-47's `code`",
            WALLET,
            params={"code": "PAYMENT_FAILED"},
        ),
        Kind("wallet_gone", "Wallet", "never answers about this user again: the connection ends", WALLET),
        Kind("rate_lie", "Rates", "says `factor` times the price", EXCHANGE, params={"factor": 1.5}),
        Kind("rate_jump", "Rates", "the market jumps to `factor` times the price", params={"factor": 1.3}),
        Kind("rate_freeze", "Rates", "says what it said, and when, as this was switched on", EXCHANGE),
        Kind("rate_hang", "Rates", "says nothing and closes the socket after `delay_s`", EXCHANGE, 30),
        Kind("rate_vanish", "Rates", "is not there any more: HTTP 404", EXCHANGE),
        Kind(
            "rate_nonsense",
            "Rates",
            'the price is the JSON `says`, such as NaN, -1, 0 or "many"',
            EXCHANGE,
            params={"says": "NaN"},
        ),
        Kind("rate_huge", "Rates", "answers `megabytes` of data", EXCHANGE, params={"megabytes": 10}),
        Kind("rate_yesterday", "Rates", "says that its price is of yesterday", EXCHANGE),
    )
}
