"""Which volumes a policy covers, and what a tick or a request makes of them."""

from typing import Any

import pytest

from volume_images.config.schema import Config, Policy
from volume_images.config.selection import (
    Member,
    covers,
    discovered,
    members,
    narrowed,
    resolve_request,
)
from volume_images.model import RequestedExport, Tick, Volume


def volume_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


DB, WEB, SPARE, FOUND = (volume_id(number) for number in range(4))

CLOUD = {"dialect": "openstack", "region": "r", "project": "p"}
HOURLY = {"select": {"app": ["db", "cache"]}, "retention": {"keep_last": 1}}
DAILY = {
    "select": {"backup": "daily"},
    "exclude": {"lifecycle": ["scratch"]},
    "retention": {"keep_last": 1},
}


def config(**changes: Any) -> Config:  # noqa: ANN401 - any part of a document
    document = {
        "prefix": "acme",
        "clouds": {"one": CLOUD, "two": CLOUD},
        "policies": {"hourly": HOURLY, "daily": DAILY},
        "volumes": [
            {"id": DB, "cloud": "one", "name": "db", "tags": {"backup": "daily", "app": "db"}},
            {"id": WEB, "cloud": "one", "tags": {"backup": "daily"}},
            {"id": SPARE, "cloud": "two", "tags": {"backup": "daily"}},
        ],
        "discover": [{"cloud": "one", "tags": {"backup": "daily"}}],
    }
    return Config.model_validate(document | changes)


def volume(number_or_id: int | str, name: str = "", **tags: str) -> Volume:
    text = volume_id(number_or_id) if isinstance(number_or_id, int) else number_or_id
    return Volume(id=text, name=name, status="available", size_gib=1, tags=tags)


ALL = (
    Member("hourly", DB, "db"),
    Member("daily", DB, "db"),
    Member("daily", WEB, ""),
    Member("daily", SPARE, "spare"),
)


@pytest.mark.parametrize(
    ("select", "exclude", "tags", "covered"),
    [
        ({"a": ["1"]}, {}, {"a": "1", "z": "9"}, True),
        ({"a": ["1"]}, {}, {"a": "2"}, False),
        ({"a": ["1"]}, {}, {}, False),
        ({"a": ["1", "2"]}, {}, {"a": "2"}, True),
        ({"a": ["1"], "b": ["2"]}, {}, {"a": "1", "b": "2"}, True),
        ({"a": ["1"], "b": ["2"]}, {}, {"a": "1"}, False),
        ({"a": []}, {}, {"a": "whatever"}, True),
        ({"a": []}, {}, {"b": "1"}, False),
        ({"a": ["1"]}, {"x": ["y"]}, {"a": "1", "x": "y"}, False),
        ({"a": ["1"]}, {"x": ["y"]}, {"a": "1", "x": "n"}, True),
        ({"a": ["1"]}, {"x": ["y"], "k": ["v"]}, {"a": "1", "k": "v"}, False),
        ({"a": ["1"]}, {"x": []}, {"a": "1", "x": "any"}, False),
    ],
)
def test_keys_are_anded_values_ored_and_any_excluded_pair_keeps_out(
    select: dict[str, list[str]],
    exclude: dict[str, list[str]],
    tags: dict[str, str],
    covered: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    assert covers(Policy.model_construct(select=select, exclude=exclude), tags) is covered


def test_discovery_finds_by_the_tags_of_any_entry_of_its_own_cloud() -> None:
    document = config(
        discover=[
            {"cloud": "one", "tags": {"backup": ["daily", "weekly"]}},
            {"cloud": "one", "tags": {"app": "db"}},
            {"cloud": "two", "tags": {"owner": "me"}},
        ]
    )
    volumes = [
        volume(10, backup="weekly"),
        volume(11, app="db"),
        volume(12, owner="me"),
        volume(13),
    ]

    assert discovered(document, "one", volumes) == (volumes[0], volumes[1])
    assert discovered(document, "two", volumes) == (volumes[2],)


def test_members_come_in_the_order_of_policies_then_volumes_then_discoveries() -> None:
    found = [volume(FOUND, "found", backup="daily")]

    assert members(config(), "one", found) == (
        Member("hourly", DB, "db"),
        Member("daily", DB, "db"),
        Member("daily", WEB, ""),
        Member("daily", FOUND, "found"),
    )


def test_members_are_those_of_one_cloud() -> None:
    assert members(config(), "two", []) == (Member("daily", SPARE, ""),)


def test_a_listed_volume_wins_over_the_discovered_one_with_its_tags_and_name() -> None:
    """The cloud's name serves where the config gives none; its tags never do."""
    found = [
        volume(DB, "renamed in the cloud", backup="daily", lifecycle="scratch"),
        volume(WEB, "web in the cloud", backup="daily", app="cache"),
    ]

    assert members(config(), "one", found) == (
        Member("hourly", DB, "db"),
        Member("daily", DB, "db"),
        Member("daily", WEB, "web in the cloud"),
    )


@pytest.mark.parametrize(
    ("tick", "kept"),
    [
        (Tick(), ALL),
        (Tick(policies=frozenset({"hourly"})), ALL[:1]),
        (Tick(volume_ids=frozenset({DB})), ALL[:2]),
        (Tick(policies=frozenset({"daily"}), volume_ids=frozenset({DB, SPARE})), ALL[1::2]),
        (Tick(volume_ids=frozenset({volume_id(99)})), ()),
    ],
)
def test_a_tick_only_narrows(tick: Tick, kept: tuple[Member, ...]) -> None:
    assert narrowed(ALL, tick) == kept


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (RequestedExport(volume_ids=(DB,)), ALL[:1]),
        (RequestedExport(volume_ids=(SPARE, WEB)), (ALL[3], ALL[2])),
        (RequestedExport(volume_ids=(DB, DB)), ALL[:1]),
        (RequestedExport(volume_ids=(DB,), policies=("daily", "hourly")), ALL[:2]),
        (RequestedExport(volume_ids=(DB,), policies=("daily",)), (ALL[1],)),
        (RequestedExport(policies=("daily",)), ALL[1:]),
        (RequestedExport(policies=("daily", "hourly", "daily")), ALL),
    ],
)
def test_a_request_covers_what_it_names_or_the_first_policy_that_fits(
    request_: RequestedExport, wanted: tuple[Member, ...]
) -> None:
    assert resolve_request(request_, config(), ALL) == (wanted, ())


@pytest.mark.parametrize(
    ("request_", "wanted", "refusals"),
    [
        (
            RequestedExport(volume_ids=(DB, FOUND)),
            ALL[:1],
            ((FOUND, "no policy of the config covers this volume"),),
        ),
        (
            RequestedExport(volume_ids=(DB, WEB), policies=("hourly",)),
            ALL[:1],
            ((WEB, "none of the named policies covers this volume"),),
        ),
        (
            RequestedExport(volume_ids=(DB,), policies=("hourly", "wekly")),
            ALL[:1],
            (("wekly", "no such policy in the config"),),
        ),
        (
            RequestedExport(volume_ids=(DB,), policies=("wekly",)),
            (),
            (
                ("wekly", "no such policy in the config"),
                (DB, "none of the named policies covers this volume"),
            ),
        ),
        (RequestedExport(policies=("wekly",)), (), (("wekly", "no such policy in the config"),)),
    ],
)
def test_what_is_outside_the_config_is_refused_and_the_rest_goes_on(
    request_: RequestedExport,
    wanted: tuple[Member, ...],
    refusals: tuple[tuple[str, str], ...],
) -> None:
    assert resolve_request(request_, config(), ALL) == (wanted, refusals)


def test_a_named_policy_without_volumes_is_refused() -> None:
    request_ = RequestedExport(policies=("hourly", "daily"))

    assert resolve_request(request_, config(), ALL[1:]) == (
        ALL[1:],
        (("hourly", "covers no volume"),),
    )


def test_a_hundred_volumes_are_the_most_and_one_more_refuses_the_whole_request() -> None:
    """Volumes are counted once, however many policies cover them."""
    fleet = [
        Member(policy, volume_id(number), "")
        for policy in ("hourly", "daily")
        for number in range(101)
    ]
    both = RequestedExport(policies=("hourly", "daily"))
    hundred = [member for member in fleet if member.volume_id != volume_id(100)]

    assert resolve_request(both, config(), hundred) == (tuple(hundred), ())
    assert resolve_request(both, config(), fleet) == (
        (),
        (("request", "101 volumes, at most 100 at once: ask for fewer"),),
    )
