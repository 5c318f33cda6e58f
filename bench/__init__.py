"""Speed of csapi against limits that are measured in the same run: python -m bench."""
