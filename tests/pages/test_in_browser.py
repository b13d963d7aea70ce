"""The page in a real Chromium: nothing cut, nothing fetched, and all of it by keyboard."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.browsing import PHONE, on_every_screen, opened, sticking_out, worst_contrast
from tests.pages.samples import HOSTILE, page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pages") / "simulation.html"
    path.write_text(page_of(source=HOSTILE, against=True), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: "Browser", address: str) -> Iterator["Page"]:
    width, scheme = getattr(request, "param", (PHONE, "dark"))
    with opened(browser, address, width, scheme) as page:
        yield page


@on_every_screen
def test_the_page_is_no_wider_than_the_screen_and_nothing_sticks_out(page: "Page") -> None:
    """What is wider has a scroll bar of its own, and a reader can reach it by keyboard."""
    assert sticking_out(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0


@on_every_screen
def test_no_day_of_a_calendar_is_cut(page: "Page") -> None:
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".calendar .cell")]
            .filter((cell) => cell.scrollWidth > cell.clientWidth + 1
                || cell.scrollHeight > cell.clientHeight + 1).length"""
    )

    assert cut == 0


@on_every_screen
def test_all_text_stands_out_from_its_ground(page: "Page") -> None:
    """WCAG 2 asks for a contrast of 4.5 at least, on stripes against both of their colours."""
    texts = (
        "p, h1, h2, h3, td, th, dt, dd, li, code, summary, a:not(.skip), .cell, .weekday, .name,"
        " label, output, .axis span"
    )

    assert worst_contrast(page, texts) >= 4.5


def test_any_day_can_be_shown_by_keyboard(page: "Page") -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    slider = page.get_by_role("slider", name="When this day ends")
    slider.focus()
    slider.press("Home")
    page.locator("#date", has_text="2026-03-01").wait_for()

    assert slider.get_attribute("aria-valuetext") == "2026-03-01"
    daily = page.get_by_role("region", name="daily", exact=True)
    assert daily.locator(".now dd").all_inner_texts() == ["1", "0", "2026-03-01", "40"]
    assert daily.locator(".fates .cell.kept").count() == 1
    assert daily.locator(".fates .cell.deleted").count() == 0
    slider.press("ArrowRight")
    page.locator("#date", has_text="2026-03-02").wait_for()
    assert daily.locator(".fates .cell.kept").count() == 2
    assert daily.get_by_role("img", name="March 2026: 2 kept").count() == 1


def test_the_script_shows_of_the_last_day_what_the_page_said_without_it(page: "Page") -> None:
    before = page.locator("#policies").inner_html()
    slider = page.get_by_role("slider")
    slider.press("Home")
    page.locator("#date", has_text="2026-03-01").wait_for()
    assert page.locator("#policies").inner_html() != before
    slider.press("End")
    page.locator("#date", has_text="2027-04-02").wait_for()

    assert page.locator("#policies").inner_html() == before


def test_reasons_and_differences_open_by_keyboard(page: "Page") -> None:
    for summary in page.locator("summary").all():
        summary.focus()
        summary.press("Enter")

    assert page.locator("details[open]").count() == page.locator("details").count()
    assert page.get_by_text("keep_daily 1/7").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_reader_of_screens_finds_headings_and_regions(page: "Page") -> None:
    assert page.get_by_role("heading", level=1).count() == 1
    headings = page.get_by_role("heading", level=2).all_inner_texts()
    assert headings == ["Summary", "daily", "hourly", "weekly"]
    unnamed = page.locator("[role=img]:not([aria-label]), table:not([aria-labelledby]) > caption")
    assert unnamed.count() == 0
    assert HOSTILE in page.get_by_role("heading", level=1).inner_text()


def test_the_page_reads_without_its_script(browser: "Browser", address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)

    assert not page.get_by_role("slider").is_visible()
    assert page.locator(".fates .cell.kept").count() > 20
    context.close()
