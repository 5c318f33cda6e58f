"""csapi: customer service analytics with numbers that can be traced to their records."""

__version__ = "0.1.0"
