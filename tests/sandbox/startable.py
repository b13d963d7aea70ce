"""What every part of the sandbox is: alive between `start` and `stop`, or inside a `with`."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Startable(ABC):
    """Something that answers once it is started, until it is stopped."""

    @abstractmethod
    def start(self) -> Self:
        """Answer from now on."""

    @abstractmethod
    def stop(self) -> None:
        """End every connection and thread."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
