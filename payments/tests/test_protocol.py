"""`docs/protocol.md`: its rows are exactly those that tests show."""

from tests.protocol import PAPER, PARAGRAPHS, paper, promises


def test_the_page_is_what_the_tests_say():
    assert PAPER.read_text() == paper(), "run: python -m tests.protocol"


def test_every_paragraph_has_a_test():
    assert {paragraph for paragraph, _, _ in promises()} == set(PARAGRAPHS)
