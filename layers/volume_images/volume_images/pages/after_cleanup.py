"""The page that each cleanup leaves in the store: how the fleet stands once it is done."""

from collections.abc import Sequence

from volume_images.cleanup.cleaning import Cleaned
from volume_images.overview.after_cleanup import fleet_after
from volume_images.pages.report import report_page
from volume_images.protocols import World

PAGE_KEY = "reports/cleanup/latest.html"
"""Written anew by each run: an old page tells nobody how the fleet stands."""

MOST_IMAGES = 150_000
"""A run over so many takes some 300 MB and their page another 100: the function has 512."""


class FleetPage:
    """The page of one run: it looks on, and is written when all else is done."""

    def __init__(self, world: World, most_images: int = MOST_IMAGES) -> None:
        self._world = world
        self._most_images = most_images
        self._cleaned: Sequence[Cleaned] = ()

    def look_on(self, cleaned: Sequence[Cleaned]) -> None:
        """Take in what became of each cloud."""
        self._cleaned = cleaned

    def write(self) -> str:
        """Write the page, if there was something to see; return why it could not be written."""
        if not self._cleaned:
            return ""
        images = sum(len(one.aftermath.facts.images) for one in self._cleaned if one.aftermath)
        if images > self._most_images:
            return (
                f"{PAGE_KEY}: {images} images are more than the function has memory for: make the"
                " page where there is more, with volume-images report"
            )
        try:
            page = report_page(fleet_after(self._world, self._cleaned))
            self._world.store.write_report(PAGE_KEY, page.encode())
        except Exception as error:  # noqa: BLE001 - nothing rests on the page: no run ends for it
            return f"{PAGE_KEY}: {type(error).__name__}: {error}"
        return ""
