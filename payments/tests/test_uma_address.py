"""UMA addresses: valid and invalid ones (UMAD-02)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.uma.address import InvalidUmaAddress, domain_of, is_allowed_domain, normalize_uma_address

NONE = [
    "", "$", "$a", "@b.example", "$a@", "$@b.example", "$a@b@c.example", "$a b@c.example",
    "$" + "a" * 300 + "@b.example", "$a@b.example\r\nX: y", "$a@b.example%0d%0a", "$a\x00@b.example",
    "$a@\U0001f4a9.example", "$ä@b.example", "$a@b", "$a@b.", "$a@.b.example", "$a@b..example",
    "$a@-b.example", "$a@b-.example", "$a@b.example.", "$a@localhost", "$a@127.0.0.1", "$a@127.1",
    "$a@2130706433", "$a@0x7f.1", "$a@0177.0.0.1", "$a@0", "$a@[::1]", "$a@[::ffff:127.0.0.1]",
    "$a@b.example:443", "$a@b.example:22", "$a@b.example/x", "$a@b.example?x", "$a@b.example#x",
    "$a@x:y@b.example", "$a@metadata.google.internal", "$a@printer.local", "$a@nas.lan", "$a@x.onion",
    "$a@x.localhost", "$a@1.2.3.4.5", "$a@b.123", "$a@" + "b" * 64 + ".example", "$$a@b.example",
    "$a/b@c.example", "$a:b@c.example", "$a@b。example",
]  # fmt: skip


@pytest.mark.parametrize("typed", NONE)
@pytest.mark.protocol(
    "UMAD-01", "What is no `$name@domain` is refused: hostile, local and numeric hosts too."
)
def test_it_is_no_address(typed):
    with pytest.raises(InvalidUmaAddress):
        normalize_uma_address(typed)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("$alice@wallet.example", "$alice@wallet.example"),
        ("  $Alice.B+c_d-9@Wallet.EXAMPLE\n", "$alice.b+c_d-9@wallet.example"),
        ("$a@sub.wallet.co.uk", "$a@sub.wallet.co.uk"),
        ("$a@xn--bcher-kva.example", "$a@xn--bcher-kva.example"),
        ("$a@xn--80ak6aa92e.xn--p1ai", "$a@xn--80ak6aa92e.xn--p1ai"),
        ("$a@wallet.xn--fiqs8s", "$a@wallet.xn--fiqs8s"),
        ("$alice@localhost:8081", "$alice@localhost:8081"),
    ],
)
@pytest.mark.protocol("UMAD-01", "Addresses are taken in any case and compared in lower case.")
def test_it_is_an_address_trimmed_and_in_lower_case(typed, address):
    assert normalize_uma_address(typed) == address


def test_a_forgotten_dollar_is_suggested_not_added():
    with pytest.raises(InvalidUmaAddress, match=r"Did you mean \$alice@wallet.example\?"):
        normalize_uma_address("alice@wallet.example")


@pytest.mark.parametrize(
    "typed", ["$" + "a." * 100_000, "$a@" + "-" * 100_000, "$a@" + "b." * 120 + "c" * 10, "@" * 100_000]
)
def test_no_text_takes_long(typed):
    started = time.perf_counter()
    with pytest.raises(InvalidUmaAddress):
        normalize_uma_address(typed)
    assert time.perf_counter() - started < 0.05


@given(st.text(max_size=80) | st.from_regex(r"\$[a-z@.:/%\\\[\]0-9]{1,40}", fullmatch=True))
def test_whatever_is_let_in_is_plain(typed):
    try:
        address = normalize_uma_address(typed)
    except InvalidUmaAddress:
        return
    assert address == typed.strip().lower()
    assert address.isascii()
    assert address.count("@") == 1
    assert not set(address) & set("/?#[]%\\ \r\n\0")
    assert is_allowed_domain(domain_of(address))
    assert normalize_uma_address(address) == address
