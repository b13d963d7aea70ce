"""A proposed config: whatever volumes a cloud holds, it passes the check and fits what there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.config.checks import check_config
from volume_images.config.lint import lint_config
from volume_images.config.schema import CloudConfig, Config, VolumeEntry, parse_config
from volume_images.config.selection import discovered, members
from volume_images.dialect import Dialect
from volume_images.model import Volume
from volume_images.proposal.fitting import Cadence, Proposal, Survey, propose
from volume_images.proposal.grouping import group_volumes
from volume_images.proposal.writing import shortage, write_proposal

KEYS = st.sampled_from(["backup", "Backup-Policy", "env", "stage", "attached_mode", "", "ключ"])
VALUES = st.one_of(
    st.sampled_from(["daily", "weekly", "Monthly", "none", "no", "", "prod", "1e3", "12:30", "~"]),
    st.text(max_size=30),
)
SIZES = st.integers(min_value=0, max_value=40_000)


def a_survey(
    volumes: list[Volume],
    quota: int | None = None,
    images: int = 0,
    *,
    timezone: str = "UTC",
    dialect: Dialect = Dialect.OPENSTACK,
) -> Survey:
    return Survey(
        name="lab",
        prefix="lab",
        timezone=timezone,
        cloud=CloudConfig(dialect=dialect, region="one", project="backup"),
        volumes=tuple(volumes),
        images=images,
        quota=quota,
    )


def a_volume(number: int, size_gib: int = 40, status: str = "available", **tags: str) -> Volume:
    return Volume(
        id=f"00000000-0000-4000-8000-{number:012}",
        name=f"vol{number}",
        status=status,
        size_gib=size_gib,
        tags=tags,
    )


def fleet(count: int, size_gib: int = 40, **tags: str) -> list[Volume]:
    return [a_volume(number, size_gib, **tags) for number in range(count)]


def listed(proposal: Proposal) -> Config:
    """List every volume by its id: `config check` then counts exports and images as well."""
    survey = proposal.survey
    entries = [
        VolumeEntry(id=volume.id, cloud="lab", tags={k: v for k, v in volume.tags.items() if k})
        for volume in proposal.grouping.volumes
    ]
    room = None if survey.quota is None else survey.quota - survey.images
    quota = {"image_quota": room} if proposal.fits and room else {}
    lab = proposal.config.clouds["lab"].model_copy(update=quota)
    return proposal.config.model_copy(update={"volumes": tuple(entries), "clouds": {"lab": lab}})


def said(proposal: Proposal) -> str:
    """Return the comments, in one line."""
    text = write_proposal(proposal, {})
    lines = [line.strip() for line in text.splitlines()]
    return " ".join(line.removeprefix("# ") for line in lines if line.startswith("#"))


@st.composite
def volume_listings(draw: st.DrawFn) -> list[Volume]:
    tags = draw(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=6))
    times = draw(st.sampled_from([1, 1, 40, 900]))
    return [
        Volume(
            id=f"00000000-0000-4000-8000-{number:012}",
            name=draw(st.text(max_size=10)) if times == 1 else "",
            status=draw(st.sampled_from(["available", "in-use", "error"])) if times == 1 else "",
            size_gib=draw(SIZES) if times == 1 else 40,
            tags=tags[number % len(tags)],
        )
        for number in range(len(tags) * times)
    ]


class TestAnyListing:
    @given(
        volumes=volume_listings(),
        quota=st.none() | st.integers(min_value=0, max_value=50_000),
        images=st.integers(min_value=0, max_value=50),
        timezone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
        dialect=st.sampled_from(Dialect),
    )
    @examples(12)
    def test_its_config_passes_the_check_as_it_is_written(
        self,
        volumes: list[Volume],
        quota: int | None,
        images: int,
        timezone: str,
        dialect: Dialect,
    ) -> None:
        survey = a_survey(volumes, quota, images, timezone=timezone, dialect=dialect)
        proposal = propose(survey)
        refused = {"volume_in_use": volumes} if volumes else {}
        config = parse_config(write_proposal(proposal, refused).encode(), "proposal")
        assert config == proposal.config
        assert check_config(config) == ()

    @given(volumes=volume_listings(), quota=st.none() | st.integers(min_value=1, max_value=90_000))
    @examples(12)
    def test_its_exports_and_images_fit_when_every_volume_is_counted(
        self, volumes: list[Volume], quota: int | None
    ) -> None:
        proposal = propose(a_survey(volumes, quota))
        problems = [
            problem
            for problem in check_config(listed(proposal))
            if "covers no volume" not in problem.message  # a policy for what nobody has yet
        ]
        assert problems == []

    @given(volumes=volume_listings())
    @examples(40)
    def test_every_volume_has_one_policy_unless_its_tag_says_no(
        self, volumes: list[Volume]
    ) -> None:
        grouping = group_volumes(volumes)
        grouped = [volume.id for volume in grouping.volumes]
        refusing = [one.id for one in volumes if one.tags.get(grouping.key) in grouping.opted_out]
        assert sorted(grouped + refusing) == [volume.id for volume in volumes]

    @given(volumes=volume_listings())
    @examples(12)
    def test_a_run_gives_each_volume_the_policy_that_the_proposal_counted_it_under(
        self, volumes: list[Volume]
    ) -> None:
        proposal = propose(a_survey(volumes))
        covered = members(proposal.config, "lab", discovered(proposal.config, "lab", volumes))
        counted = [(g.policy, one.id) for g in proposal.grouping.groups for one in g.volumes]
        assert sorted((one.policy, one.volume_id) for one in covered) == sorted(counted)


class TestGrouping:
    def test_a_tag_that_speaks_of_backups_makes_policies(self) -> None:
        volumes = [*fleet(2, backup="daily", env="prod"), *fleet(1, Backup="x", env="test")]
        grouping = group_volumes(volumes)
        assert grouping.key == "backup"
        assert [(group.policy, group.value) for group in grouping.groups] == [
            ("daily", "daily"),
            ("untagged", None),
        ]

    def test_without_one_the_tag_that_divides_most_volumes_does(self) -> None:
        volumes = [*fleet(2, env="prod", attached_mode="rw"), *fleet(1, env="test")]
        assert [group.policy for group in group_volumes(volumes).groups] == ["prod", "test"]

    def test_without_any_there_is_one_policy_for_all(self) -> None:
        grouping = group_volumes(fleet(3, name="x"))
        assert (grouping.key, [group.policy for group in grouping.groups]) == ("", ["all"])

    def test_a_tag_that_says_no_is_heard(self) -> None:
        grouping = group_volumes([*fleet(1, backup="daily"), *fleet(1, backup="None")])
        assert grouping.opted_out == ("None",)
        assert len(grouping.volumes) == 1

    def test_values_that_are_spelled_alike_stay_two_policies(self) -> None:
        grouping = group_volumes([*fleet(2, backup="a b"), *fleet(1, backup="A-B")])
        assert [group.policy for group in grouping.groups] == ["a-b", "a-b-2"]

    def test_rare_values_of_many_go_with_the_rest(self) -> None:
        volumes = [
            volume for number in range(9) for volume in fleet(9 - number, backup=f"v{number}")
        ]
        *chosen, rest = group_volumes(volumes).groups
        assert [group.value for group in chosen] == ["v0", "v1", "v2", "v3", "v4", "v5"]
        assert (rest.value, len(rest.volumes)) == (None, 3 + 2 + 1)


class TestFitting:
    def test_a_tag_that_names_a_cadence_gets_it(self) -> None:
        volumes = [*fleet(2, backup="weekly-4"), *fleet(1, backup="monthly"), *fleet(1, backup="x")]
        used = propose(a_survey(volumes)).used
        assert used == {
            "weekly-4": Cadence.WEEKLY,
            "monthly": Cadence.MONTHLY,
            "x": Cadence.DAILY,
        }

    @pytest.mark.parametrize(
        ("count", "at_once", "cadence"),
        [
            (100, 20, Cadence.DAILY),
            (2_640, 20, Cadence.DAILY),
            (2_641, 40, Cadence.DAILY),
            (5_281, 20, Cadence.WEEKLY),
            (34_561, 20, Cadence.MONTHLY),
            pytest.param(155_600, 41, Cadence.MONTHLY, marks=pytest.mark.slow),
        ],
    )
    def test_a_fleet_is_exported_as_often_as_there_is_time_for(
        self, count: int, at_once: int, cadence: Cadence
    ) -> None:
        proposal = propose(a_survey(fleet(count)))
        assert proposal.config.clouds["lab"].max_in_flight == at_once
        assert proposal.used == {"all": cadence}

    def test_what_is_less_often_than_asked_is_said(self) -> None:
        proposal = propose(a_survey(fleet(6_000, backup="daily")))
        assert "weekly images, not daily ones" in said(proposal)

    @pytest.mark.parametrize(
        ("quota", "rules"),
        [
            (None, {"keep_daily": 7, "keep_weekly": 5, "keep_monthly": 12}),
            (1_000, {"keep_daily": 7, "keep_weekly": 5, "keep_monthly": 12}),
            (220, {"keep_daily": 7, "keep_weekly": 4, "keep_monthly": 3}),
            (100, {"keep_daily": 5}),
            (80, {"keep_last": 2}),
            (60, {"keep_weekly": 2}),
        ],
    )
    def test_the_rules_keep_as_much_as_the_quota_holds(
        self, quota: int | None, rules: dict[str, int]
    ) -> None:
        proposal = propose(a_survey(fleet(10), quota))
        chosen = proposal.config.policies["all"].retention.model_dump(exclude_unset=True)
        assert (chosen, proposal.fits, shortage(proposal)) == (rules, True, "")

    def test_images_that_are_there_take_room(self) -> None:
        assert propose(a_survey(fleet(10), 1_000, images=900)).needed <= 100

    def test_a_quota_that_nothing_fits_into_is_said_aloud(self) -> None:
        proposal = propose(a_survey(fleet(100), 120, images=20))
        assert not proposal.fits
        assert "IT DOES NOT FIT" in said(proposal)
        assert shortage(proposal).startswith("lab: the quota is 120 images and 20 are there")

    def test_larger_volumes_take_longer(self) -> None:
        config = propose(a_survey(fleet(3, 400))).config
        assert config.clouds["lab"].export_minutes == 100

    def test_attached_volumes_are_exported_with_force_and_it_is_said(self) -> None:
        proposal = propose(a_survey([a_volume(1, status="in-use")]))
        assert proposal.config.policies["all"].export.force
        assert "what a volume holds after a power cut" in said(proposal)

    @pytest.mark.parametrize("count", [10, 6_000, 40_000])
    def test_no_rule_is_idle(self, count: int) -> None:
        assert lint_config(propose(a_survey(fleet(count))).config) == ()


class TestWriting:
    def test_text_of_the_cloud_ends_no_comment(self) -> None:
        nasty = a_volume(1, backup="x\nversion: 2\u2028prefix: evil\x1b[2J")
        proposal = propose(a_survey([nasty]))
        text = write_proposal(proposal, {"volume_status": [nasty]})
        assert parse_config(text.encode(), "proposal") == proposal.config
        assert "\x1b" not in text

    @pytest.mark.parametrize(
        "value", ["\x85", "a\x85b", "\u2028", "x\u202ey", "\ufeff", "a\tb", "é"]
    )
    def test_a_tag_stays_what_it_is_and_only_what_can_be_seen_is_written(self, value: str) -> None:
        proposal = propose(a_survey([a_volume(1, backup=value)]))
        text = write_proposal(proposal, {})
        assert parse_config(text.encode(), "proposal") == proposal.config
        assert all(line.isprintable() for line in text.split("\n"))

    def test_refusals_name_a_few_volumes(self) -> None:
        text = write_proposal(propose(a_survey(fleet(7))), {"volume_too_large": fleet(7)})
        assert "exports of 7 volumes will be refused (volume_too_large): vol0, vol1" in text
        assert "and 2 more" in " ".join(text.replace("#", "").split())

    def test_a_cloud_without_volumes_still_gets_a_config(self) -> None:
        assert "0 volumes" in said(propose(a_survey([])))
