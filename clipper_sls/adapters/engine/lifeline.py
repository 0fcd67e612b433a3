"""A pipe whose write end the engine alone holds: when the engine is gone, however it ended, its readers see the end."""

import os


class Lifeline:
    """Created open. `read_fd` is for replicas to inherit; neither end is inherited unless it is asked for."""

    def __init__(self) -> None:
        self.read_fd, self._write_fd = os.pipe()

    def cut(self) -> None:
        """Let go of both ends; replicas that are still there end themselves."""
        os.close(self._write_fd)
        os.close(self.read_fd)
