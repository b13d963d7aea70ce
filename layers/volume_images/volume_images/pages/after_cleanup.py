"""The page that each cleanup leaves in the store: how the fleet stands once it is done."""

from collections.abc import Sequence

from volume_images.cleanup.cleaning import Cleaned
from volume_images.overview.after_cleanup import fleet_after
from volume_images.pages.report import report_page
from volume_images.protocols import World

PAGE_KEY = "reports/cleanup/latest.html"
"""Written anew by each run: an old page tells nobody how the fleet stands."""


class FleetPage:
    """The page of one run: it looks on, and is written when all else is done."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cleaned: Sequence[Cleaned] = ()

    def look_on(self, cleaned: Sequence[Cleaned]) -> None:
        """Take in what became of each cloud."""
        self._cleaned = cleaned

    def write(self) -> str:
        """Write the page, if there was something to see; return why it could not be written."""
        if not self._cleaned:
            return ""
        try:
            page = report_page(fleet_after(self._world, self._cleaned))
            self._world.store.write_report(PAGE_KEY, page.encode())
        except Exception as error:  # noqa: BLE001 - nothing rests on the page: no run ends for it
            return f"{PAGE_KEY}: {type(error).__name__}: {error}"
        return ""
