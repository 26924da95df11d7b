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
    B15  spreadsheets: the one that staff can have holds no formula

Cases shown where their subject is tested, over sockets as well:

    A11  the time of a refused login:     tests/attacks/test_timing.py, in CPU time
    S06  rebinding, several A records:    payments/tests/test_uma_safe_http.py
    S07  redirects:                       payments/tests/test_uma_safe_http.py
    S08  endpoints on other hosts:        payments/tests/test_uma_push.py
    S10  turns per host, failed domains:  payments/tests/test_uma_safe_http.py, payments/tests/test_uma_keys.py
    S11  certificates:                    payments/tests/test_uma_safe_http.py
    S12  keys that change or never end:   payments/tests/test_uma_keys.py

What readers found later by running the shop, W, each with a test that failed before it was mended:

    W01  a gigabyte in a form             tests/attacks/test_uploads.py::test_a_gigabyte_is_written_nowhere
    W02  700 half-open requests           tests/attacks/test_half_open.py::test_more_half_open_requests_than_threads
    W03  a page without its database      ticketsuma/tests/test_unavailable.py::test_every_page_is_503_while_the_database_is_away
    W04  strangers asked to pay           tickets/tests/test_uma_request_limits.py::test_one_order_asks_few_strangers
    W05  seats held from one network      tests/attacks/test_networks.py::test_one_network_holds_a_fifth_of_the_seats
    W05  free seats of one network        tests/attacks/test_networks.py::test_one_network_takes_a_fifth_of_the_free_seats
    W05  strangers mailed                 tests/attacks/test_networks.py::test_strangers_are_mailed_within_limits
    W05  names that are links             tickets/tests/test_network_limits.py::test_no_name_holds_a_link
    W05  a mailbox that nobody proved     tickets/tests/test_network_limits.py::test_free_seats_wait_for_the_mailed_link
    W05  free seats given back            tickets/tests/test_network_limits.py::test_free_seats_given_back_are_not_counted
    W06  a node's list reread             payments/tests/test_node_listing.py::test_a_look_at_100_sales_a_second_reads_what_is_new
    W07  a clock a day ahead              ticketsuma/tests/test_clock.py::test_a_look_in_the_future_is_wrong_and_said
    W08  a payment that cannot be read    payments/tests/test_node_listing.py::test_a_payment_that_cannot_be_read_hides_no_other
    W09  an order's link kept by caches   ticketsuma/tests/test_every_address.py::test_the_page_of_seats_held_is_kept_by_no_cache
    W10  addresses in logs                ticketsuma/tests/test_logging_config.py::test_a_mail_server_that_refuses_names_nobody
    W10  rows in logs                     ticketsuma/tests/test_logging_config.py::test_a_database_error_tells_no_row
    W11  silent wallets                   ticketsuma/tests/test_host_turns.py::test_a_silent_server_holds_two_threads_and_honest_ones_are_asked_meanwhile
    W12  staff locked out                 tests/attacks/test_lock_out.py::test_guesses_lock_out_no_browser_that_signed_in_before
    W12  staff kept from their mails      tests/attacks/test_lock_out.py::test_mails_asked_for_by_others_keep_nobody_from_theirs
    W12  the operator's way in            tests/attacks/test_lock_out.py::test_the_operators_link_opens_whatever_was_counted
    W13  where refunds went               tickets/tests/test_personal_data.py::test_where_a_refund_went_is_forgotten_with_its_receiver
    W13  guests                           tickets/tests/test_personal_data.py::test_a_guest_is_forgotten_by_command
    W13  what an export lacked            tickets/tests/test_personal_data.py::test_the_export_holds_refunds_mails_check_ins_and_what_one_did
    W13  sessions that are over           accounts/tests/test_sessions.py::test_sessions_that_are_over_are_cleared_by_the_worker
    W14  locks in another order           tickets/tests/test_personal_data.py::test_payments_are_locked_before_orders
    W15  DEBUG where it could hurt        ticketsuma/tests/test_settings.py::test_what_cannot_be_stops_the_start
    W16  "You are in" after a refund      tickets/tests/test_mail_truth.py::test_nobody_is_told_that_they_are_in_after_a_refund
    W17  more than 21 million bitcoin     tickets/tests/test_buy_form.py::test_no_order_costs_more_than_there_are_bitcoin
    W18  Back after giving seats back     tickets/tests/test_buy_form.py::test_back_and_the_same_seats_shows_the_order_that_is_over_and_how_to_buy_again
    W19  wallets below xn--               payments/tests/test_uma_address.py::test_it_is_an_address_trimmed_and_in_lower_case
    W20  a Host's port in links           ticketsuma/tests/test_unavailable.py::test_links_of_lists_are_at_the_shop_s_own_address
    W21  ADMIN_EMAILS as typed            ticketsuma/tests/test_settings.py::test_admins_are_spelled_as_accounts_are
    W22  600 streams of one order         tests/attacks/test_streams.py::test_six_hundred_streams_of_a_stranger
    W23  a call that outlives its answer  payments/tests/test_node_call.py::test_an_answer_that_drips_ends_with_its_call_and_leaves_no_thread
    W24  a refusal retried for a month    payments/tests/test_refund_sending.py::test_what_the_node_refuses_to_pay_is_given_up_within_minutes
    W25  BOLT11s of a minute              payments/tests/test_uma_send.py::test_an_invoice_that_lives_for_a_minute_is_taken
    W26  an account made in one's name    tests/attacks/test_lock_out.py::test_a_click_of_the_owner_proves_no_strangers_account
    W27  a node without TLS               ticketsuma/tests/test_settings.py::test_what_cannot_be_stops_the_start
    W28  libraries without hashes         tests/test_house.py::test_the_image_installs_what_is_asked_for_by_its_hash
    W29  papers and pictures without end  tests/attacks/test_limits.py::test_costly_pages

Where the shop answers otherwise than the list by design: a changed e-mail address (A18) is 200 with the old
one until the new is proven; logging out by GET (A22) asks first; a free ticket's stream (B05) leads back to
its ticket; validating a code (B03, E16) is 200 with a reason; what is over for wallets (E08) is 400, UMA's
own status for INVOICE_EXPIRED; a missing Idempotency-Key (C17) makes every purchase one of its own.
"""  # noqa: E501, a table
