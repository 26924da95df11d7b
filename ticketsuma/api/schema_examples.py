"""Examples of the API's schemas, by schema name; each must satisfy its schema."""

ANN = {"email": "ann@example.com"}
PHRASE = "a long enough passphrase"
EVENT_ID, ORDER_ID = 1, "0b1d7d1e-53c0-4a5f-9a56-7d0c6f2f8f0e"
TICKET_ID = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"
TICKET_TOKEN = f"{TICKET_ID.replace('-', '')}:signature"
CODE = "7K2M9QX4TB8WJ3RD5FGH6VNPZC"
BOLT11 = "lnbc21u1p5example"
UMA = "$ann@wallet.example.com"
START, END = "2030-05-01T18:00:00Z", "2030-05-01T20:00:00Z"
BOUGHT_AT, EXPIRES_AT, PAID_AT = "2030-04-20T09:30:00Z", "2030-04-20T09:45:00Z", "2030-04-20T09:30:04Z"
STREAM = "https://stream.example.com/room"

WRITTEN_EVENT = {
    "title": "Lightning for beginners", "start_time": START, "end_time": END, "timezone": "Europe/Berlin",
    "capacity": 100, "currency": "USD", "price": 1200, "stream_url": STREAM,
}  # fmt: skip
USER = {
    "id": 7, "user_id": 7, "email": "ann@example.com", "name": "Ann", "is_staff": False,
    "created_at": BOUGHT_AT, "updated_at": BOUGHT_AT,
}  # fmt: skip
PUSH_KEYS = {"endpoint": "https://push.example.com/send/abc", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}  # RFC 8291, 5
TYPE_ID = 5
TYPE = {
    "id": TYPE_ID, "name": "Regular", "description": "", "position": 0, "pricing": "fixed", "price": 1200,
    "currency": "USD", "price_sats": 12000, "suggested_price": None, "seats_left": 42, "sales_start": None,
    "sales_end": None, "min_per_order": 1, "max_per_order": None, "admits": "both", "status": "on_sale",
    "is_default": True,
}  # fmt: skip
QUESTION_ID = 3
QUESTION = {
    "id": QUESTION_ID, "label": "What do you not eat?", "hint": "", "asked": "before", "kind": "text",
    "choices": [], "link": "", "is_required": False, "ticket_type_id": None,
}  # fmt: skip
ANSWER = {
    "question_id": QUESTION_ID, "question": "What do you not eat?", "ticket_number": 0, "values": ["Nuts"],
}  # fmt: skip
LINE = {
    "ticket_type_id": TYPE_ID, "name": "Regular", "quantity": 1, "price": 1200, "discount": 0, "amount": 1200,
    "currency": "USD", "admits": "both",
}  # fmt: skip
QUOTE = {
    "currency": "USD", "amount": 1200, "amount_sats": 12000, "amount_msats": 12000000, "rate": "100000",
    "sources": ["coinbase", "kraken"], "at": BOUGHT_AT,
}  # fmt: skip
ORDER = {
    "id": ORDER_ID, "token": "0b1d7d1e53c04a5f9a567d0c6f2f8f0e:signature", "code": "7K2M9QX4",
    "status": "pending", "event_id": EVENT_ID, "user_id": None, "email": "ann@example.com", "name": "Ann",
    "uma_address": UMA, "quantity": 1, "price_sats": 12000, "amount_sats": 12000, "currency": "USD",
    "price": 1200, "amount": 1200, "quote": QUOTE, "lines": [LINE],
    "refundable_until": "2026-11-12T18:00:00Z",
    "expires_at": EXPIRES_AT, "paid_at": None, "created_at": BOUGHT_AT, "updated_at": BOUGHT_AT,
}  # fmt: skip
TICKET = {
    "id": TICKET_ID, "ticket_id": TICKET_ID, "event_id": EVENT_ID, "ticket_type_id": TYPE_ID,
    "ticket_type_name": "Regular", "number": 1,
    "holder_name": "Ann", "payment_status": "pending", "ticket_code": None, "url": None, "token": None,
    "room_open": False,
}  # fmt: skip
PAYMENT = {
    "status": "pending", "amount_sats": 12000, "currency": "USD", "amount": 1200,
    "invoice_id": "Invoice:0195f1c2", "bolt11": BOLT11,
    "uma_invoice": "uma1qexample", "pay_address": "$7k2m9qx4@tickets.example.com", "push": "delivered",
    "expires_at": EXPIRES_AT, "paid_at": None,
}  # fmt: skip
EVENT_OF_TICKET = {
    "id": EVENT_ID, "title": "Lightning for beginners", "start_time": START, "end_time": END,
}  # fmt: skip

ADDRESSEE = {"name": "Müller & Söhne AG", "address": "Bahnhofstrasse 2\n8001 Zürich", "tax_number": "CHE-1"}
RECEIPT = {
    "seller": "Tuesday Talks e. V.", "seller_address": "Hauptstraße 11\n10115 Berlin",
    "seller_tax_number": "DE123456789", "event": "An evening about maps", "currency": "USD",
    "lines": [
        {"text": "Regular", "quantity": 1, "price": 1200, "discount": 0, "amount": 1200, "rate": 1900,
         "tax": 192},
    ],
    "amount": 1200, "tax": 192, "amount_sats": 12000, "btc_price": "100000.000000000000000",
    "payment_hash": "9f" * 32,
}  # fmt: skip

EXAMPLES: dict[str, dict] = {
    # -- taken
    "PurchaseRequest": ANN | {"event_id": EVENT_ID, "quantity": 1, "uma_address": UMA, "name": "Ann"},
    "AnswerQuestionsRequest": {"answers": [{"question_id": QUESTION_ID, "values": ["Nuts"]}]},
    "ValidateRequest": {"ticket_code": CODE, "event_id": EVENT_ID},
    "CheckInRequest": {"ticket_code": CODE, "event_id": EVENT_ID, "nonce": "door-2-scan-117"},
    "ExportRequest": {
        "table": "orders", "first": "2026-11-01", "last": "2026-11-30", "timezone": "Europe/Lisbon",
        "columns": ["code", "sats", "paid_at"], "format": "xlsx", "event_id": EVENT_ID,
    },
    "GiveBackRequest": {"ticket_id": TICKET_ID, "back_sats": 2100},
    "ReplaceTicketRequest": {"ticket_id": TICKET_ID, "ticket_code": CODE},
    "CorrectEmailRequest": {"email": "ann@example.com"},
    "JoinRequest": {"take_over": True},
    "RefundAddressRequest": {"uma_address": UMA},
    "SignUpRequest": ANN | {"password": PHRASE, "name": "Ann"},
    "VerifyEmailRequest": {"key": "Nw:1vRz3x:Jm2hY0c"},
    "MailMeRequest": ANN,
    "ResetPasswordRequest": {"key": "7-d4kq2h-5d1f2a9b", "password": "another long passphrase"},
    "LoginRequest": ANN | {"password": PHRASE},
    "ChangeRequest": ANN | {"name": "Ann of the Lake"},
    "PatchedChangeRequest": {"password": "another long passphrase", "current_password": PHRASE},
    "ProofRequest": {"current_password": PHRASE},
    "EventWriteRequest": WRITTEN_EVENT,
    "PatchedEventWriteRequest": {"capacity": 120, "replay_until": "2030-05-08T20:00:00Z"},
    "BasketRequest": {"items": [{"ticket_type_id": TYPE_ID, "quantity": 2}], "promo_code": "EARLY BIRD"},
    "TicketTypeWriteRequest": {"name": "Student", "price": 900, "capacity": 20},
    "PatchedTicketTypeWriteRequest": {"sales_end": START},
    # -- said
    "Quote": {
        "event_id": EVENT_ID, "quantity": 2, "amount": 1920, "currency": "USD", "amount_sats": 19200,
        "lines": [
            {"ticket_type_id": TYPE_ID, "name": "Regular", "quantity": 2, "price": 1200, "discount": 480,
             "amount": 1920},
        ],
    },
    "StaffTicketType": TYPE | {
        "capacity": 100, "seats_taken": 58, "tax_basis_points": 1900, "is_hidden": False, "is_active": True,
        "created_at": BOUGHT_AT, "updated_at": BOUGHT_AT,
    },
    "PurchaseResponse": {
        "order": ORDER, "tickets": [TICKET], "payment": PAYMENT,
        "refunds": [], "answers": [ANSWER], "pay_url": f"https://tickets.example.com/orders/{ORDER['token']}",
        "live_url": f"https://tickets.example.com/orders/{ORDER['token']}/live",
    },
    "Refund": {
        "id": "0195f1c3-0000-7000-8000-000000000001", "amount_sats": 12000, "status": "sent",
        "reason": "event_canceled", "to": "$a…@wallet.example.com", "created_at": PAID_AT, "sent_at": PAID_AT,
    },
    "Event": {
        "id": EVENT_ID, "event_id": EVENT_ID, "title": "Lightning for beginners",
        "slug": "lightning-for-beginners-7f3a9", "summary": "", "description": "", "organizer": "",
        "organizer_id": None, "contact_email": "", "start_time": START, "end_time": END,
        "timezone": "Europe/Berlin", "sales_end": None, "capacity": 100, "seats_left": 42,
        "max_per_order": 10, "price_sats": 12000, "price": 1200, "currency": "USD", "ticket_types": [TYPE],
        "questions": [QUESTION],
        "status": "on_sale", "is_active": True,
        "url": "https://tickets.example.com/events/lightning-for-beginners-7f3a9", "cover": None,
        "replay_until": None, "canceled_at": None, "refunds_when_moved": True, "refund_hours": 24,
        "version": 3,
        "created_at": BOUGHT_AT, "updated_at": BOUGHT_AT,
    },
    "MyTicket": TICKET | {
        "payment_status": "paid", "ticket_code": CODE, "room_open": True, "token": TICKET_TOKEN,
        "url": f"https://tickets.example.com/tickets/{TICKET_TOKEN}",
        "order_id": ORDER_ID, "user_id": 7, "event": EVENT_OF_TICKET, "uma_address": UMA,
        "amount_sats": 12000, "currency": "USD", "amount": 1200, "invoice_id": "Invoice:0195f1c2",
        "paid_at": PAID_AT,
        "expires_at": EXPIRES_AT, "created_at": BOUGHT_AT, "updated_at": PAID_AT,
    },
    "PaymentStatus": {
        "invoice_id": "Invoice:0195f1c2", "payment_status": "paid", "amount_sats": 12000, "uma_address": UMA,
        "order_id": ORDER_ID, "user_id": 7, "event_id": EVENT_ID, "ticket_ids": [TICKET_ID],
        "push": "delivered", "expires_at": EXPIRES_AT, "paid_at": PAID_AT, "created_at": BOUGHT_AT,
        "updated_at": PAID_AT,
    },
    "TicketStatus": {
        "id": TICKET_ID, "ticket_id": TICKET_ID, "payment_status": "paid", "order_status": "paid",
        "event_id": EVENT_ID, "expires_at": EXPIRES_AT, "paid_at": PAID_AT,
    },
    "Validation": {"valid": True, "reason": "ok", "event": EVENT_OF_TICKET, "checked_in_at": None},
    "CheckedIn": {
        "ticket_id": TICKET_ID, "holder_name": "Ann", "ticket_type_name": "Regular",
        "checked_in_at": "2030-05-01T17:55:00Z",
    },
    "Joined": {
        "room_url": "https://tickets.example.com/room/WyI2Zjk2Il0:signature", "expires_at": END,
    },
    "User": USER,
    "DeviceRequest": PUSH_KEYS | {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "kinds": ["doors", "changes"],
    },
    "ForgetDeviceRequest": PUSH_KEYS,
    "Told": {"kinds": ["doors", "changes"], "server_key": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg"},
    "Receipt": RECEIPT | {
        "number": "2030-000123", "issued_at": PAID_AT, "addressee": ADDRESSEE, "credit_notes": [],
    },
    "AddresseeRequest": ADDRESSEE,
    "Token": {
        "token": "eyJhbGciOiJIUzI1NiJ9.e30.signature", "token_type": "Bearer",
        "expires_at": "2030-04-21T09:30:00Z", "user": USER,
    },
    "Mailed": ANN | {"detail": "Please open the link in the mail that we have sent you."},
}  # fmt: skip
