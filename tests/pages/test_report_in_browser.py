"""The fleet's page in a real Chromium: nothing cut, nothing fetched, and all of it by keyboard."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.browsing import PHONE, on_every_screen, opened, sticking_out, worst_contrast
from tests.pages.fleets import HOUR, NOW, fleet_of
from tests.pages.samples import HOSTILE
from volume_images.pages.report import report_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TALL = 6000  # so that every volume of a small fleet is drawn: Chromium leaves out what is far away

pytestmark = pytest.mark.browser


def written(factory: pytest.TempPathFactory, count: int) -> str:
    path = factory.mktemp("pages") / "report.html"
    path.write_text(report_page(fleet_of(count, unasked=True)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory, 10)


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: "Browser", address: str) -> Iterator["Page"]:
    width, scheme = getattr(request, "param", (PHONE, "dark"))
    with opened(browser, address, width, scheme, height=TALL) as page:
        yield page


@pytest.fixture(scope="module")
def large(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Page"]:
    with opened(browser, written(tmp_path_factory, 5000)) as page:
        yield page


def open_lists(page: "Page") -> None:
    """Open two lists of images, as a person at a keyboard does."""
    for summary in page.locator("summary").all()[:2]:
        summary.focus()
        summary.press("Enter")
    page.locator("details table").nth(1).wait_for()


@on_every_screen
def test_the_page_is_no_wider_than_the_screen_and_nothing_sticks_out(page: "Page") -> None:
    open_lists(page)

    assert sticking_out(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0


@on_every_screen
def test_no_volume_is_cut_by_its_row(page: "Page") -> None:
    open_lists(page)
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".volumes .row *")]
            .filter((element) => !element.parentElement.closest(".scroll, svg"))
            .filter((element) => {
                const row = element.closest(".row").getBoundingClientRect();
                const { right, bottom } = element.getBoundingClientRect();
                return right > row.right + 1 || bottom > row.bottom + 1;
            })
            .map((element) => element.outerHTML.slice(0, 80))"""
    )

    assert cut == []


@on_every_screen
def test_nothing_lies_upon_anything_else(page: "Page") -> None:
    overlapping = page.evaluate(
        """() => {
            // Rows out of sight have a guessed height until they are scrolled to.
            document.querySelectorAll(".row").forEach((row) => {
                row.style.contentVisibility = "visible";
            });
            const parts = "h1, h2, h3, p:not(.legend):not(.find), li:not(.row), dt, dd, nav a, " +
                "summary, .strip, .legend > span, .ticks text, .find > *, .figures .scroll";
            const boxes = [...document.querySelectorAll(parts)]
                .map((element) => [element, element.getBoundingClientRect()])
                .filter(([, box]) => box.width && box.height);
            const found = [];
            boxes.forEach(([one, a], place) => boxes.slice(place + 1).forEach(([other, b]) => {
                const over = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
                if (over && !one.contains(other) && !other.contains(one)) {
                    found.push([one.outerHTML.slice(0, 60), other.outerHTML.slice(0, 60)]);
                }
            }));
            return found;
        }"""
    )

    assert overlapping == []


@on_every_screen
def test_all_text_stands_out_from_its_ground(page: "Page") -> None:
    """WCAG 2 asks for a contrast of 4.5 at least."""
    open_lists(page)
    texts = (
        "p, h1, h2, h3, td, th, dt, dd, li, code, strong, summary, nav a, label, .legend span,"
        " .count, time, #ago, .ticks text"
    )

    assert worst_contrast(page, texts) >= 4.5


@on_every_screen
def test_what_needs_a_look_is_at_the_top(page: "Page") -> None:
    first = page.locator(".volumes .row").first.bounding_box()
    figures = page.locator(".figures").first.bounding_box()

    assert first is not None
    assert figures is not None
    assert first["y"] < 900 < figures["y"]


def test_the_list_of_a_volumes_images_opens_by_keyboard(page: "Page") -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("16 images")
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Images of db0003-data")
    table.wait_for()

    assert table.get_by_role("row").count() == 17
    assert table.get_by_role("row").nth(4).locator("th, td").all_inner_texts() == [
        "2026-02-23 02:00Z",
        "expired",
        "6.0 GiB",
        "goes 2026-03-05 08:05Z",
        "daily",
    ]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "Images of db0003-data"
    )


def test_a_volume_is_found_by_its_name_its_id_its_policy_or_its_state(page: "Page") -> None:
    field = page.get_by_role("searchbox", name="Find a volume, a policy, a state")
    shown = page.locator(".volumes .row:not([hidden]) h3")
    for words, count in [("weekly stale", 1), ("000000A", 1), ("no policy", 2), ("</SCRIPT>", 1)]:
        field.fill(words)
        page.get_by_text(f"{count} of 10 volumes").wait_for()
        assert shown.count() == count
    assert shown.all_inner_texts() == [HOSTILE]
    assert not page.get_by_role("heading", name="Volumes that need a look").is_visible()
    field.fill("")
    page.get_by_role("heading", name="Volumes that need a look").wait_for()

    assert shown.count() == 10


def test_a_reader_of_screens_finds_headings_regions_and_every_timeline_in_words(
    page: "Page",
) -> None:
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", level=2).all_inner_texts() == [
        "Volumes that need a look (6)",
        "Policies",
        "Storage by policy",
        "Other volumes (4)",
    ]
    assert page.get_by_role("heading", level=3).count() == 10
    assert page.get_by_role("img").count() == 10
    assert page.get_by_role("img", name="16 images: 13 kept, 2 expired, 1 failed").count() == 1
    assert page.locator("[role=img]:not([aria-label]), table:not([aria-labelledby])").count() == 0
    assert page.get_by_role("navigation").count() == 1


def test_the_page_says_how_old_it_is_and_warns_when_it_should_have_been_written_anew(
    browser: "Browser", address: str
) -> None:
    for hours, says, warns in [
        (0, "", False),
        (25, ", 25 h ago", False),
        (97, ", 4 days ago", True),
    ]:
        context = browser.new_context()
        page = context.new_page()
        page.clock.install(time=NOW + hours * HOUR)
        page.goto(address)
        ago = page.locator("#ago")
        assert ago.text_content() == says
        assert (ago.get_attribute("class") == "over") is warns
        context.close()


def test_the_page_reads_without_its_script(browser: "Browser", address: str) -> None:
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 1440, "height": TALL}
    )
    page = context.new_page()
    page.goto(address)

    assert page.get_by_role("img", name="20 images: 18 kept, 2 expired").count() == 3
    assert page.get_by_role("searchbox").count() == 0
    assert page.locator("summary:visible").count() == 0
    context.close()


def test_a_fleet_of_5000_is_searched_and_opened_as_a_small_one_is(large: "Page") -> None:
    large.locator("#find").fill("db4242")
    large.locator("#found:not(:empty)").wait_for()
    assert large.locator("#found").inner_text() == "1 of 5000 volumes"
    row = large.locator(".volumes .row:not([hidden])")
    row.locator("summary").click()
    row.locator("table").wait_for()

    assert row.locator("tbody tr").count() == 20
    assert large.evaluate("document.documentElement.scrollWidth <= innerWidth")
