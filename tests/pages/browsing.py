"""A real Chromium, and what is asked of every page in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
PHONE, DESK = 390, 1440

on_every_screen = pytest.mark.parametrize(
    "page",
    [(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")],
    indirect=True,
    ids=["phone-light", "phone-dark", "desk-light", "desk-dark"],
)


@contextmanager
def opened(
    browser: "Browser", address: str, width: int = PHONE, scheme: str = "dark", height: int = 900
) -> Iterator["Page"]:
    """Open a page without a network; whatever it complains of, or asks for, is a fault."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda wanted: asked.append(wanted.url))
    page.goto(address)
    yield page
    assert complaints == []
    assert asked == [address]
    context.close()


def sticking_out(page: "Page") -> list[str]:
    """Return what reaches beyond the screen, but for what has a scroll bar of its own."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
            .filter((element) => !element.closest(".scroll, .skip, svg"))
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
            .map((element) => element.outerHTML.slice(0, 80))"""
    )
    return found


def worst_contrast(page: "Page", texts: str) -> float:
    """Return the least contrast of any text with its ground, on stripes with either colour."""
    worst: float = page.evaluate(
        r"""(texts) => {
            const canvas = document.createElement("canvas")
                .getContext("2d", {willReadFrequently: true});
            const rgb = (colour) => {
                canvas.fillStyle = colour;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
            };
            const light = (colour) => rgb(colour)
                .map((part) => part / 255)
                .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
                .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
            const contrast = (one, other) => {
                const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
                return (high + 0.05) / (low + 0.05);
            };
            const grounds = (element) => {
                for (let node = element; node; node = node.parentElement) {
                    const style = getComputedStyle(node);
                    if (node.matches(".cell") && style.backgroundImage !== "none") {
                        return style.backgroundImage.match(/rgba?\([^)]*\)/g);
                    }
                    if (!/, 0\)$/.test(style.backgroundColor)) return [style.backgroundColor];
                }
                return ["white"];
            };
            const seen = [...document.querySelectorAll(texts)]
                .filter((element) => element.textContent.trim() && element.getClientRects().length);
            const ink = (element) =>
                getComputedStyle(element)[element.closest("svg") ? "fill" : "color"];
            const least = (element) => Math.min(...grounds(element)
                .map((ground) => contrast(ink(element), ground)));
            return Math.min(...seen.map(least));
        }""",
        texts,
    )
    return worst
