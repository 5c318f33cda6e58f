"""Tests here drain and look at all tenants of a database: each module has one of its own."""

from collections.abc import Callable

import pytest
from tests.conftest import Database


@pytest.fixture(scope="module")
def database(make_database: Callable[[], Database]) -> Database:
    return make_database()
