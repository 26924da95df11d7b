"""Many rows: a shop that has sold for 200 days, written by PostgreSQL itself within seconds.

Every invariant of the audit holds in it. What a row is follows from its number alone, so two shops of one
size are the same; more are added after what is there.
"""

from collections.abc import Callable

# Of the orders: every 20th expired, every 50th was free, another 20th was canceled and refunded, the rest
# are paid; every 331st is of one person, and so are the first forty: two full pages of tickets.
PERSON = "many@example.com"

# Numbers that are not null and say nothing of a job that is done.
_JOB = "attempts, last_error"
_DONE = "0, ''"

_EVENTS = """
INSERT INTO events_event (title, slug, summary, description, organizer, contact_email, start_time, end_time,
    timezone, capacity, seats_taken, max_per_order, price_sats, stream_url, cover, is_active, ical_uid,
    search_key, created_at, updated_at)
SELECT 'Evening ' || i, 'evening-' || i, 'The summary of evening ' || i, repeat('A long story. ', 40),
    'Club ' || i % 50, 'club@example.com', starts, starts + interval '2 hours', 'Europe/Lisbon', 100000, 0,
    10, CASE WHEN i % 10 = 0 THEN 0 ELSE 1000 END, 'https://stream.example.com/' || i, '', true,
    'evening-' || i || '@example.com', E'\nevening ' || i || E'\nthe summary\nclub ' || i % 50,
    now() - interval '201 days', now() - interval '201 days'
FROM generate_series({first}::bigint, {last}) AS i,
    LATERAL (SELECT now() + interval '30 minutes' + ((i * 7919) % 10000 - 5000) * interval '58 minutes'
             AS starts) AS at
"""
_TYPES = """
INSERT INTO events_tickettype (event_id, name, description, position, pricing, price, seats_taken,
    min_per_order, is_hidden, admits, is_active, created_at, updated_at)
SELECT id, '', '', 0, 'fixed', price_sats, 0, 1, false, 'both', true, created_at, updated_at
FROM events_event WHERE default_type_id IS NULL
"""
_DEFAULT_TYPES = """
UPDATE events_event SET default_type_id = ticket_type.id FROM events_tickettype AS ticket_type
WHERE default_type_id IS NULL AND event_id = events_event.id
"""
_ANNOUNCEMENTS = """
INSERT INTO tickets_announcement (event_id, title, start_time, end_time, timezone)
SELECT id, title, start_time, end_time, timezone FROM events_event ON CONFLICT DO NOTHING
"""
_MESSAGES = """
INSERT INTO guest_messages_message (id, event_id, kind, subject, text, guests, answer, status, recipients,
    begun_at, created_at, updated_at)
SELECT md5('message' || id)::uuid, id, 'ticket', 'Doors open', 'Come early.', 'going', '', 'begun', 1,
    start_time, start_time, start_time
FROM events_event ON CONFLICT DO NOTHING
"""
_DOOR_LISTS = """
INSERT INTO offline_door_doorlist (event_id, device, by_name, taken_at, renewed_at)
SELECT id, md5('door' || id)::uuid, '', start_time, start_time FROM events_event ON CONFLICT DO NOTHING
"""
# The numbers of orders, with all that follows from each.
_NUMBERS = """
CREATE TEMPORARY TABLE many ON COMMIT DROP AS
SELECT i, md5('order' || i)::uuid AS order_id, md5('payment' || i)::uuid AS payment_id,
    md5('invoice' || i)::uuid AS invoice_id, md5('hash' || i) || md5('more' || i) AS hash,
    (SELECT min(id) FROM events_event) + (i * 104729) % (SELECT count(*) FROM events_event) AS event_id,
    now() - interval '200 days' + i * (interval '199 days' / {last}) AS at,
    CASE WHEN i % 20 = 0 THEN 'expired' WHEN i % 20 = 2 THEN 'canceled' ELSE 'paid' END AS status,
    i % 50 <> 1 AS costs,
    CASE WHEN i % 331 = 0 OR i <= 40 THEN '{person}' ELSE 'person' || i % 50000 || '@example.com' END AS email
FROM generate_series({first}::bigint, {last}) AS i
"""
_ROWS = f"""
INSERT INTO payments_payment ({_JOB}, id, status, reference, amount_sats, memo, uma_address, payer_uma,
    due_at, uma_invoice, push, paid_at, created_at, updated_at)
SELECT {_DONE}, payment_id, CASE status WHEN 'expired' THEN 'closed' ELSE 'settled' END, 'ref' || i, 1000,
    'Evening', '', '', at + interval '15 minutes', '', 'none',
    CASE WHEN status <> 'expired' THEN at + interval '1 minute' END, at, at
FROM many WHERE costs;

INSERT INTO payments_invoice ({_JOB}, id, kind, status, payer, slot, invoice_id, bolt11, payment_hash,
    expires_at, created_at, updated_at, payment_id)
SELECT {_DONE}, invoice_id, 'lightning', CASE status WHEN 'expired' THEN 'expired' ELSE 'paid' END, '',
    'plain', 'Invoice:' || i, 'lnbcrt10u1' || repeat('q', 250) || i, hash, at + interval '15 minutes', at, at,
    payment_id
FROM many WHERE costs;

INSERT INTO tickets_order ({_JOB}, id, email, name, quantity, price_sats, uma_address, language, code, scope,
    key, request_hash, status, network, expires_at, paid_at, ended_at, search_key, created_at, updated_at,
    event_id, payment_id)
SELECT {_DONE}, order_id, email, 'Buyer ' || i, 1, CASE WHEN costs THEN 1000 ELSE 0 END, '', 'en',
    upper(lpad(to_hex(i), 8, '0')), 'guest', 'key' || i, hash, status, '', at + interval '15 minutes',
    CASE WHEN status <> 'expired' THEN at + interval '1 minute' END,
    CASE WHEN status <> 'paid' THEN at + interval '16 minutes' END,
    E'\\n' || email || E'\\nbuyer ' || i, at, at, event_id, CASE WHEN costs THEN payment_id END
FROM many;

INSERT INTO tickets_orderline (order_id, type_id, quantity, price, discount, admits)
SELECT order_id, default_type_id, 1, CASE WHEN costs THEN 1000 ELSE 0 END, 0, 'both'
FROM many JOIN events_event ON events_event.id = event_id;

INSERT INTO tickets_ticket (id, number, ticket_code, holder_name, search_key, created_at, updated_at,
    order_id, line_id)
SELECT md5('ticket' || i)::uuid, 1, upper(substr(md5('code' || i), 1, 26)), 'Buyer ' || i,
    E'\\nbuyer ' || i, at, at, order_id, line.id
FROM many JOIN tickets_orderline AS line USING (order_id);

INSERT INTO payments_incomingpayment ({_JOB}, node_payment_id, payment_hash, amount_msats, applied_msats,
    kept_msats, received_at, allocated_at, created_at, invoice_id, payment_id)
SELECT {_DONE}, 'IncomingPayment:' || i, hash, 1000000, CASE status WHEN 'canceled' THEN 0 ELSE 1000000 END,
    0, at + interval '1 minute', at + interval '1 minute', at + interval '1 minute', invoice_id, payment_id
FROM many WHERE costs AND status <> 'expired';

INSERT INTO payments_refund ({_JOB}, id, status, amount_msats, "to", reason, bolt11, payment_hash,
    invoices_asked, ordinal, node_payment_id, fee_msats, sent_at, created_at, updated_at, incoming_payment_id)
SELECT {_DONE}, md5('refund' || i)::uuid, 'sent', 1000000, '$w@wallet.example', 'order_canceled', '',
    md5('back' || i), 1, 1, 'OutgoingPayment:' || i, 0, at + interval '20 minutes',
    at + interval '16 minutes', at + interval '20 minutes', incoming.id
FROM many JOIN payments_incomingpayment AS incoming USING (payment_id) WHERE costs AND status = 'canceled';

INSERT INTO payments_webhookevent ({_JOB}, event_id, type, entity_id, received_at, processed_at)
SELECT {_DONE}, 'event' || i, 'PAYMENT_FINISHED', 'IncomingPayment:' || i, at + interval '1 minute',
    at + interval '1 minute'
FROM many WHERE costs AND status <> 'expired';

INSERT INTO tickets_mail ({_JOB}, kind, "to", about, status, sent_at, created_at, order_id)
SELECT {_DONE}, 'tickets', email, '00000000-0000-0000-0000-000000000000', 'sent', at + interval '2 minutes',
    at + interval '1 minute', order_id
FROM many WHERE status <> 'expired'
UNION ALL
SELECT {_DONE}, 'refund_sent', email, md5('refund' || i)::uuid, 'sent', at + interval '21 minutes',
    at + interval '20 minutes', order_id
FROM many WHERE costs AND status = 'canceled';

INSERT INTO tickets_mail ({_JOB}, kind, "to", about, status, sent_at, created_at, order_id)
SELECT {_DONE}, 'message', email, md5('message' || event_id)::uuid, 'sent', at + interval '5 minutes',
    at + interval '4 minutes', order_id
FROM many WHERE status = 'paid' AND i % 4 = 1;

INSERT INTO tickets_checkin (at, nonce, by_name, ticket_id)
SELECT at + interval '2 minutes', '', '', md5('ticket' || i)::uuid
FROM many WHERE status = 'paid' AND i % 2 = 1;

INSERT INTO tickets_viewer (ticket_id, key, since)
SELECT md5('ticket' || i)::uuid, 'browser' || i, at FROM many WHERE status = 'paid' AND i % 2 = 1;

INSERT INTO offline_door_offlinescan (scan, outcome, said_at, at, merged_at, by_name, door_list_id, ticket_id)
SELECT md5('scan' || i)::uuid, 'admitted', at, at, at, '', list.id, md5('ticket' || i)::uuid
FROM many JOIN offline_door_doorlist AS list USING (event_id) WHERE status = 'paid' AND i % 10 = 1;

INSERT INTO payments_posttransaction ({_JOB}, told_at, created_at, incoming_payment_id)
SELECT {_DONE}, at + interval '1 minute', at + interval '1 minute', incoming.id
FROM many JOIN payments_incomingpayment AS incoming USING (payment_id) WHERE i % 10 = 3;

INSERT INTO accounts_user (password, email, name, is_active, token_epoch, search_key, created_at, updated_at)
SELECT '', 'member' || i || '@example.com', 'Member ' || i, true, 0,
    E'\\nmember' || i || E'@example.com\\nmember ' || i, at, at
FROM many WHERE i % 10 = 3;

INSERT INTO push_device (endpoint, digest, p256dh, auth, wants, token_epoch, created_at, user_id)
SELECT 'https://push.example.com/' || i, hash, '', '', '["doors", "refunds"]',
    CASE WHEN member.id IS NOT NULL THEN 0 END, at, member.id
FROM many LEFT JOIN accounts_user AS member ON i % 10 = 3 AND member.email = 'member' || i || '@example.com'
WHERE i % 10 IN (3, 5);

INSERT INTO push_device_orders (device_id, order_id)
SELECT device.id, order_id FROM many JOIN push_device AS device ON digest = hash WHERE i % 10 = 5;

INSERT INTO push_push ({_JOB}, kind, about, sent_at, created_at, device_id, order_id)
SELECT {_DONE}, 'doors', md5('push' || i)::uuid, at, at, device.id, order_id
FROM many JOIN push_device AS device ON digest = hash;

UPDATE events_event SET seats_taken = seats_taken + held
FROM (SELECT event_id, count(*) AS held FROM many WHERE status = 'paid' GROUP BY event_id) AS sold
WHERE id = event_id;

UPDATE events_tickettype SET seats_taken = events_tickettype.seats_taken + held
FROM (SELECT event_id, count(*) AS held FROM many WHERE status = 'paid' GROUP BY event_id) AS sold
WHERE events_tickettype.event_id = sold.event_id
"""
TABLES = [
    *("events_event", "tickets_announcement", "tickets_order", "tickets_ticket", "tickets_mail"),
    *("events_tickettype", "tickets_orderline"),
    *("tickets_checkin", "tickets_viewer", "accounts_user", "payments_payment", "payments_invoice"),
    *("payments_incomingpayment", "payments_refund", "payments_webhookevent", "payments_posttransaction"),
    *("guest_messages_message", "push_device", "push_device_orders", "push_push"),
    *("offline_door_doorlist", "offline_door_offlinescan"),
]


def add_events(execute: Callable[[str], object], first: int, last: int) -> None:
    """Events number `first` to `last`, half of them over; `execute` runs SQL, in a transaction or not."""
    execute(_EVENTS.format(first=first, last=last))
    execute(_TYPES)
    execute(_DEFAULT_TYPES)
    for statement in (_ANNOUNCEMENTS, _MESSAGES, _DOOR_LISTS):
        execute(statement)


def add_orders(execute: Callable[[str], object], first: int, last: int) -> None:
    """Orders number `first` to `last` of the events there are, each with all its rows.

    Call it in a transaction.
    """
    execute(_NUMBERS.format(first=first, last=last, person=PERSON))
    for statement in _ROWS.split(";\n"):
        execute(statement)


def analyze(execute: Callable[[str], object]) -> None:
    for table in TABLES:
        execute(f"ANALYZE {table}")
