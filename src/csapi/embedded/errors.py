"""What can go wrong around the embedded servers, as one line for a person."""


class EmbeddedError(Exception):
    """`str(error)` is one line that says what is wrong and what to do.

    `detail` holds the last lines of the log it was taken from.
    """

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
