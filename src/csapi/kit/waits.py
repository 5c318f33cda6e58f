"""How long was waited for connections of pools, over the whole process."""


class Waits:
    """Counts what kit.db.acquire sees."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.in_vain = 0


waits = Waits()
