"""What is accepted without effect is said: conditions on tokens, keys of meshConfig that do not act."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds.istio_security import authorization_policy
from hauberk.kinds.maistra import control_plane


@pytest.mark.parametrize(
    ("spec", "about"),
    [
        ({"rules": [{"from": [{"source": {"requestPrincipals": ["*"]}}]}]}, ["requestPrincipals"]),
        ({"rules": [{"when": [{"key": "request.auth.claims[iss]", "values": ["a"]}]}]}, ["claims[iss]"]),
        ({"action": "CUSTOM", "provider": {"name": "x"}}, ["CUSTOM"]),
        ({"rules": [{"from": [{"source": {"principals": ["*"]}}]}]}, []),
        ({}, []),
    ],
)
def test_a_policy_that_cannot_hold_is_told(spec: dict[str, Any], about: list[str]) -> None:
    said = list(authorization_policy.advice({"spec": spec}))
    assert len(said) == len(about)
    assert all(word in text for word, text in zip(about, said, strict=True))


def test_keys_of_mesh_config_that_do_not_act_are_told_and_the_documents_are_not() -> None:
    config = {
        "accessLogFile": "/dev/stdout",
        "h2UpgradePolicy": "UPGRADE",
        "defaultConfig": {"terminationDrainDuration": "35s", "concurrency": 2},
    }
    said = list(control_plane.advice({"spec": {"techPreview": {"meshConfig": config}}}))
    assert [text.split(" ")[0].rpartition("meshConfig.")[2] for text in said] == [
        "h2UpgradePolicy", "defaultConfig.concurrency",
    ]  # fmt: skip
