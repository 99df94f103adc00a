"""Names and keys are refused in upstream's words, every breach named."""

from __future__ import annotations

import pytest

from hauberk.kinds import rules

QUALIFIED = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("key", "problems"),
    [
        ("app", []),
        ("example.com/app", []),
        ("", ["name part must be non-empty", f"name part {QUALIFIED}"]),
        ("-", [f"name part {QUALIFIED}"]),
        ("a" * 64, ["name part must be no more than 63 characters"]),
        ("-" * 64, ["name part must be no more than 63 characters", f"name part {QUALIFIED}"]),
        ("/app", ["prefix part must be non-empty"]),
        ("Example/app", [f"prefix part {SUBDOMAIN}"]),
        ("Example/", [f"prefix part {SUBDOMAIN}", "name part must be non-empty", f"name part {QUALIFIED}"]),
        (
            "a/b/c",
            [
                f"a qualified name {QUALIFIED} with an optional DNS subdomain prefix and '/' "
                "(e.g. 'example.com/MyName')"
            ],
        ),
    ],
)
def test_a_label_key(key: str, problems: list[str]) -> None:
    assert list(rules.label_key(key)) == problems


@pytest.mark.parametrize(
    ("rule", "value", "problems"),
    [
        (rules.dns_label, "a-1", []),
        (rules.dns_label, "A.b", [LABEL]),
        (rules.dns_label, "A" * 64, ["must be no more than 63 characters", LABEL]),
        (rules.dns_subdomain, "a.b", []),
        (rules.dns_subdomain, "a" * 253 + "-", ["must be no more than 253 characters", SUBDOMAIN]),
        (rules.config_key, "..", ["must not be '..'"]),
        (rules.label_value, "", []),
        (rules.label_value, "a" * 64, ["must be no more than 63 characters"]),
    ],
)
def test_a_value(rule: rules.Rule, value: str, problems: list[str]) -> None:
    assert list(rule(value)) == problems


@pytest.mark.parametrize(
    ("rule", "refused", "said"),
    [
        (rules.dns_1035_label, "1a", "start with an alphabetic character"),
        (rules.config_key, "a b", "regex used for validation is '[-._a-zA-Z0-9]+')"),
        (rules.env_name, "1A", "must not start with a digit"),
        (
            rules.label_value,
            "-",
            "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
    ],
)
def test_what_is_said(rule: rules.Rule, refused: str, said: str) -> None:
    (problem,) = rule(refused)
    assert said in problem
