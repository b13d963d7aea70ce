"""The page of the fleet: complete in itself, nobody else's markup in it, the urgent on top."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pages.fleets import DAY, HOUR, NOW, SLOT, fleet_of, odd_ones, volume
from tests.pages.reading import Page
from tests.pages.samples import HOSTILE
from tests.support.examples import examples
from volume_images.overview.fleet import FleetView
from volume_images.overview.spelling import plain
from volume_images.pages.report import report_page
from volume_images.pages.timeline import WIDTH, Mark, Scale, lines, marks

SMALL = 10


def names(page: str) -> list[str]:
    """Return the volumes in their order on the page."""
    return re.findall(r"<h3><bdi>(.*?)</bdi>", page)


def facts(page: str) -> Any:  # noqa: ANN401 - JSON
    [found] = re.findall(r'id="facts">(.*?)</script>', page)
    return json.loads(found)


def named(*called: str) -> FleetView:
    view = fleet_of(len(called))
    volumes = tuple(replace(one, name=name) for one, name in zip(view.volumes, called, strict=True))
    return replace(view, volumes=volumes)


def test_the_page_refers_to_nothing_outside() -> None:
    page = Page(report_page(fleet_of(SMALL)))

    assert page.addresses == {"#urgent", "#policies", "#storage", "#others", "#grid"}
    assert not page.named("link")


def test_the_page_allows_its_own_style_and_script_alone() -> None:
    html = report_page(fleet_of(SMALL))

    assert Page(html).policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in Page(html).policy
    assert " style=" not in html
    assert " onclick=" not in html


def test_text_of_a_cloud_is_never_markup() -> None:
    view = fleet_of(SMALL, unasked=True)
    hostile = replace(
        view.volumes[0], name=HOSTILE, status=HOSTILE, cloud=HOSTILE, id=f"{HOSTILE}1"
    )
    down = replace(view.clouds[1], outcome=replace(view.clouds[1].outcome, reason=HOSTILE))
    page = Page(
        report_page(
            replace(
                view,
                volumes=(hostile, *view.volumes[1:]),
                clouds=(view.clouds[0], down),
                config_version=HOSTILE,
            )
        )
    )

    assert page.text.count(HOSTILE) == 5
    assert not page.named("img")
    assert len(page.named("script")) == 2


@given(st.text(min_size=1))
@example("\u202egpj.exe")
@example("\ud800")
@example("-->]]></script>")
@examples(10)
def test_any_name_of_a_volume_reads_as_it_is_spelled_on_a_terminal(name: str) -> None:
    html = report_page(named(name))

    assert Page(html).text.count(plain(name)) >= 1
    assert len(Page(html).named("script")) == 2
    assert html.encode()


def test_stale_volumes_stand_on_top_then_what_else_needs_a_look() -> None:
    page = report_page(fleet_of(SMALL))

    stale, others = names(page)[:2], names(page)[6:]
    assert stale == ["db0003-data", "db0008-data"]
    assert others[1:] == ["db0002-data", "db0009-data", "db0010-data"]
    assert page.index('id="urgent"') < page.index("db0003-data") < page.index('id="policies"')
    assert page.index('id="storage"') < page.index('id="others"') < page.index("db0002-data")


def test_one_that_should_have_been_exported_by_now_stands_with_the_stale() -> None:
    (new,) = [one for one in odd_ones() if one.id.endswith("5")]
    late = replace(new, series=(replace(new.series[0], stale=True),))
    view = fleet_of(SMALL)
    volumes = tuple(late if one.id == late.id else one for one in view.volumes)

    assert names(report_page(replace(view, volumes=volumes)))[2].startswith("a-volume-with")


def test_every_image_is_in_the_list_that_the_page_opens() -> None:
    view = fleet_of(SMALL)
    page = report_page(view)
    known = facts(page)

    assert sum(map(len, known["volumes"])) == sum(len(one.images) for one in view.volumes)
    by_name = dict(zip(names(page), known["volumes"], strict=True))
    listed = [
        (minutes, known["marks"][mark], mib, known["words"][fate], known["words"][group])
        for minutes, mark, mib, fate, group in by_name["db0003-data"]
    ]
    first = SLOT - DAY + 6 * HOUR
    assert listed[0] == (int(first.timestamp()) // 60, "failed", -1, "failed, kept", "daily")
    assert (listed[3][1], listed[3][2]) == ("expired", 6 * 1024)
    assert listed[3][3] == "goes 2026-03-05 08:05Z"


def test_storage_is_added_up_by_policy_and_what_no_policy_covers_comes_last() -> None:
    page = report_page(fleet_of(SMALL))
    table = page[page.index('id="storage"') :]

    assert re.findall(r'<th scope="row">(.*?)</th><td>(\d+)</td><td>(.*?)</td>', table) == [
        ("daily", "136", "1.1 TiB"),
        ("hourly", "0", "none"),
        ("weekly", "20", "220.0 GiB"),
        ("no policy now", "2", "18.0 GiB"),
    ]


def test_sizes_that_no_cloud_tells_are_not_taken_for_nothing() -> None:
    view = fleet_of(SMALL)
    (one, *_) = view.volumes
    untold = tuple(replace(image, size_bytes=None) for image in one.images)
    bare = replace(one, series=(replace(one.series[0], images=untold),))

    assert report_page(replace(view, volumes=(bare,))).count(">not told<") == 3


def test_a_fleet_without_any_volume_has_a_page() -> None:
    page = report_page(fleet_of(0))

    assert page.count("<p>None.</p>") == 2
    assert facts(page)["volumes"] == []


def test_of_a_cloud_that_could_not_be_asked_the_page_says_so_before_all_else() -> None:
    page = report_page(fleet_of(SMALL, unasked=True))

    said = "cloud lab could not be asked, so of its volumes nothing is known: unavailable"
    assert page.index(said) < page.index('id="urgent"')


def scale(view: FleetView) -> Scale:
    return Scale.of(view.volumes, view.at)


def test_a_line_of_time_ends_now_and_begins_with_the_oldest_image_of_all() -> None:
    view = fleet_of(SMALL)
    oldest = min(image.slot for one in view.volumes for image in one.images)
    found = [scale(view).place(moment) for moment in (oldest, NOW - DAY, NOW, NOW + HOUR)]

    assert found == sorted(found)
    assert 0 < found[0] < 20
    assert WIDTH > found[2] == found[3] > WIDTH - 20


@given(st.integers(0, 12 * 365), st.integers(0, 23))
@examples(20)
def test_no_two_labels_of_a_line_touch(days: int, hours: int) -> None:
    ticks = Scale(NOW, max(2 * DAY, timedelta(days=days, hours=hours))).ticks
    places = [WIDTH, *(tick.x for tick in ticks)]

    assert all(one - other >= 170 for one, other in pairwise(places))
    assert places[-1] >= 85


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2, {Mark.KEPT, Mark.EXPIRED, Mark.PENDING}),
        (3, {Mark.KEPT, Mark.EXPIRED, Mark.FAILED}),
        (4, {Mark.KEPT, Mark.EXPIRED, Mark.FAILED, Mark.UNKNOWN}),
        (5, {Mark.PENDING}),
        (6, {Mark.KEPT}),
    ],
)
def test_images_and_attempts_that_left_none_are_marked(number: int, expected: set[Mark]) -> None:
    view = fleet_of(SMALL)
    drawn = lines(marks(view.volumes[number - 1]), scale(view))

    assert drawn.keys() == expected


def test_an_export_under_way_is_marked_once_though_its_image_is_listed() -> None:
    view = fleet_of(SMALL)
    one = view.volumes[1]
    listed = one.images[0]
    (new,) = view.volumes[4].series
    pending = replace(new.pending[0], image_id=listed.id, slot=listed.slot)
    followed = replace(one, series=(replace(one.series[0], pending=(pending,)),))

    assert marks(followed) == marks(one)


def test_a_volume_without_images_says_so() -> None:
    page = report_page(replace(fleet_of(1), volumes=(volume(7),)))

    assert 'aria-label="no image"' in page
    assert "<details>" not in page


def test_of_very_many_volumes_the_urgent_are_drawn_and_the_rest_counted() -> None:
    page = report_page(fleet_of(SMALL), most=7)

    assert len(names(page)) == len(facts(page)["volumes"]) == 7
    assert "3 more are not drawn" in page
    assert "Other volumes <span" in page
    page = report_page(fleet_of(SMALL), most=4)
    assert names(page)[:2] == ["db0003-data", "db0008-data"]
    assert "2 more are not drawn" in page
    assert "4 more are not drawn" in page
    assert "None." not in page


@pytest.mark.slow
def test_a_fleet_of_5000_fits_into_eight_megabytes() -> None:
    """With twenty images each: what a phone still opens, and a bucket keeps for pennies."""
    assert len(report_page(fleet_of(5000)).encode()) < 8_000_000
