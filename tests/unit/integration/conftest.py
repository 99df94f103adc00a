"""Integrations, one for each profile."""

from __future__ import annotations

import pytest

from hauberk.integration.load import parse
from hauberk.integration.model import Integration

TEXT = """\
apiVersion: hauberk/v1alpha1
kind: Integration
profile: {profile}
domain: apps.openshift.example.com
members: [knative-serving, knative-eventing, shop]
"""


@pytest.fixture
def integration_sm2() -> Integration:
    return parse(TEXT.format(profile="sm2"))


@pytest.fixture
def integration_sm3() -> Integration:
    return parse(TEXT.format(profile="sm3"))
