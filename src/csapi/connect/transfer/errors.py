class ImportStoppedError(Exception):
    """The import cannot start or go on. One line that says why and what to do."""
