"""A cloud in memory, over the sandbox's world, without HTTP: thousands of runs in a second.

What the sandbox does to requests on their way is done here to calls.
"""

from dataclasses import dataclass
from datetime import timedelta

from tests.faults.memory_images import MemoryImages
from tests.faults.memory_project import MemoryProject
from tests.faults.memory_volumes import MemoryVolumes
from tests.faults.trouble import Kind
from volume_images.errors import CredentialError


@dataclass(slots=True)
class MemoryCloud(MemoryProject):
    """One project, as an opened cloud gives access to it."""

    @property
    def volumes(self) -> MemoryVolumes:
        """Return its volumes."""
        return MemoryVolumes(self)

    @property
    def images(self) -> MemoryImages:
        """Return its images."""
        return MemoryImages(self)

    def clock_skew(self) -> timedelta:
        """Keep time, or not."""
        return timedelta(seconds=self.trouble.amount(Kind.CLOCK_IS_WRONG) or 0)

    def opened(self, refused_secret: str) -> "MemoryCloud":
        """Give a token."""
        self.asked()
        if refused_secret:
            raise CredentialError("was refused less than an hour ago")
        if self.trouble.amount(Kind.NO_CREDENTIAL):
            refused = CredentialError("the cloud refuses it", status=401)
            refused.refused, refused.fingerprint = True, "fingerprint"
            raise refused
        return self
