"""The mapping language: a TOML file that says how the rows of a file become items of the API."""
