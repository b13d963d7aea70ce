"""The page of a simulation: complete in itself, and markup of nobody else's in it."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from tests.pages.reading import Page
from tests.pages.samples import HOSTILE, forecast_of, page_of
from tests.support.examples import examples


def test_the_page_refers_to_nothing_outside() -> None:
    page = Page(page_of(against=True))

    assert page.addresses == {"#policies", "#policy-daily", "#policy-hourly", "#policy-weekly"}
    assert not page.named("link")


def test_the_page_allows_its_own_style_and_script_alone() -> None:
    html = page_of()

    policy = Page(html).policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert " style=" not in html
    assert " onclick=" not in html


def test_text_of_the_config_is_never_markup() -> None:
    page = Page(page_of(source=HOSTILE, against=True, rival=HOSTILE))

    assert HOSTILE in page.text
    assert not page.named("img")
    assert len(page.named("script")) == 2


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1))
@examples(10)
def test_any_name_of_a_config_reads_as_it_is(name: str) -> None:
    html = page_of(source=name, days=3)

    assert f"Simulation of {name}" in Page(html).text
    assert len(Page(html).named("script")) == 2


def test_each_month_is_summed_up_for_who_cannot_see_it() -> None:
    html = page_of()
    said = [attributes.get("aria-label") for attributes in Page(html).named("div")]

    assert "March 2027: 8 kept, 3 announced, 20 deleted" in said
    assert "April 2027: 2 kept" in said


def test_what_the_page_shows_is_what_its_script_knows() -> None:
    forecast = forecast_of()
    html = page_of()
    [facts] = re.findall(r'id="facts">(.*?)</script>', html)
    known = json.loads(facts)

    assert len(known["dates"]) == forecast.span.days
    for policy, shown in zip(forecast.policies, known["policies"], strict=True):
        assert sum(group[3] for cell in shown["cells"] for group in cell) == len(
            policy.simulation.images
        )
        assert shown["ends"][-1][:2] == [
            policy.simulation.last.kept,
            policy.simulation.last.announced,
        ]


def test_equal_rules_are_said_to_be_the_same() -> None:
    html = page_of(against=True, same=True)

    assert "and they are the same" in html
    assert "What is lost and gained" not in html


def test_of_very_many_kept_images_the_page_lists_the_newest() -> None:
    html = page_of(days=30, keep_hours=2100)

    assert "and 220 more" in html
    assert html.count("keep_hourly ") == 500
