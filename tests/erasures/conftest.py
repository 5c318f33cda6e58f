"""Tests here drain and look at all tenants of a database: each module has one of its own."""

from tests.reference.conftest import ask
from tests.rollup.conftest import database

__all__ = ["ask", "database"]
