"""A tenant full of made-up data, filled through the public API."""

from csapi.connect.demo.seed import DemoAccess, seed

__all__ = ["DemoAccess", "seed"]
