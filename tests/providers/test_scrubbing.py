from __future__ import annotations

import pytest

from badges.providers.scrubbing import LIMIT, scrub


@pytest.mark.parametrize(
    ("message", "private", "expected"),
    [
        ("User already has this badge", [], "User already has this badge"),
        ("", [], ""),
        (" " * 2000, [], ""),
        ("a\n b\t c", [], "a b c"),
        ("No user learner1@example.com here", [], "No user [removed] here"),
        ("email=learner1@example.com&x", [], "email=[removed]&x"),
        ("(learner1%40example.com)", [], "([removed])"),
        ("<b>Learner1@EXAMPLE.com</b>", [], "<b>[removed]</b>"),
        ("Token abcdefgh1234 expired", ["abcdefgh1234"], "Token [removed] expired"),
        ("Token x_abcdefgh1234_y", ["abcdefgh1234"], "Token x_[removed]_y"),
        ("Hello ADA and ada", ["Ada"], "Hello [removed] and [removed]"),
        ("Adapter of Ada's", ["Ada"], "Adapter of [removed]'s"),
        ("Ana María or María", ["Ana María"], "[removed] or [removed]"),
        ("q=Ana+Mar%C3%ADa&r=Ana%20Mar%C3%ADa", ["Ana María"], "q=[removed]&r=[removed]"),
        ("ada@example.com", ["ada"], "[removed]"),
        ("a|b@example.com is odd", ["a|b@example.com"], "[removed] is odd"),
        ("A is kept", ["A", ""], "A is kept"),
        ("(.*) stays, a+b goes", ["a+b"], "(.*) stays, [removed] goes"),
    ],
)
def test_private_data_is_taken_out(message: str, private: list[str], expected: str) -> None:  # S36
    assert scrub(message, private) == expected


def test_a_long_message_is_cut() -> None:
    assert scrub("word " * 100_000, []) == ("word " * 100)[: LIMIT - 1] + "…"


def test_a_private_value_is_not_cut_in_two() -> None:  # S36
    address = "learner1@" + "x" * 185 + ".com"
    message = f"{address} " * 5 + "Onestone has it"
    assert message[:1000].endswith(" Onest")  # where reading ends
    assert scrub(message + " by now" * 100, [address, "Onestone"]) == " ".join(["[removed]"] * 5)
    assert scrub("a" + " " * 995 + "Onestone", ["Onestone"]) == "a"


def test_a_long_word_without_an_end_is_scrubbed_in_no_time_at_all() -> None:
    assert len(scrub("a" * 5_000_000, [])) <= LIMIT
