"""`volume-images request`: exports outside the schedule."""

from datetime import UTC, datetime

from tests.cli.conftest import Cli
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox.stack import SandboxStack
from volume_images.cli.commands.request import told_as_one
from volume_images.dialect import Dialect
from volume_images.report import ExportResult, Function, Outcome, Report

DB, WEB, LOG = (volume_id for volume_id, _, _ in FIRST_VOLUMES)
NOBODY = "00000000-0000-4000-8000-000000000000"
MOMENT = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)


def test_a_request_exports_at_once_into_a_group_of_its_own(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    ran = sandbox_cli("request", DB, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [("started", "accepted")]
    (image,) = stack.cloud.world.images.values()
    assert image.name.startswith(f"acme-demo_daily.request_db01-data_{DB}_20260302T0205")


def test_several_volumes_under_a_named_policy(sandbox_cli: Cli, stack: SandboxStack) -> None:
    ran = sandbox_cli("request", DB, WEB, "--policy", "daily", "--json")
    assert ran.said == [("started", "accepted")] * 2
    assert len(stack.cloud.world.images) == 2


def test_a_volume_or_policy_that_the_config_does_not_know_is_refused(sandbox_cli: Cli) -> None:
    ran = sandbox_cli("request", NOBODY, "--json")
    assert ran.code == 1
    assert ran.said == [("refused", "request_refused")]
    ran = sandbox_cli("request", DB, "--policy", "hourly", "--json")
    assert ran.code == 1
    assert {result for result, _ in ran.said} == {"refused"}


def test_a_volume_that_the_cloud_does_not_know_is_refused_and_the_others_exported(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    del stack.cloud.world.volumes[DB]
    ran = sandbox_cli("export", "--json")
    assert ran.code == 1
    assert ran.said == [
        ("refused", "volume_not_found"),
        ("started", "accepted"),
        ("started", "accepted"),
    ]


def test_a_dry_run_takes_nothing_on(sandbox_cli: Cli, stack: SandboxStack) -> None:
    ran = sandbox_cli("request", DB, "--dry-run", "--json")
    assert ran.code == 0
    assert ran.said == [("deferred", "dry_run")]
    assert ran.document["dry_run"]
    assert stack.cloud.world.images == {}
    assert sandbox_cli("request", DB, "--json").said == [("started", "accepted")]


def outcome(volume_id: str, result: ExportResult, reason: str) -> Outcome:
    return Outcome(
        cloud="otc",
        policy="daily.request",
        volume_id=volume_id,
        slot=MOMENT,
        result=result,
        reason=reason,
    )


def report(*outcomes: Outcome) -> Report:
    return Report(
        run_id="id",
        function=Function.EXPORT,
        started_at=MOMENT,
        finished_at=MOMENT,
        outcomes=outcomes,
    )


def test_what_waited_for_room_is_told_as_it_ended() -> None:
    started = outcome(DB, ExportResult.STARTED, "accepted")
    first = report(started, outcome(WEB, ExportResult.DEFERRED, "no_room"))
    then = report(
        outcome(DB, ExportResult.DEFERRED, "uploading"),
        outcome(WEB, ExportResult.STARTED, "accepted"),
        outcome(LOG, ExportResult.DONE, "active"),
    )
    assert told_as_one(first, then).outcomes == (started, *then.outcomes[1:])


def test_by_hand_a_request_stays_until_there_was_room_for_it(cli: Cli) -> None:
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=3, in_flight=1) as stack:
        stack.cloud.world.export_seconds = 0.01
        stack.cloud.clock.set(MOMENT.replace(hour=15))  # no slot may be started any more
        ran = cli("request", DB, WEB, "--json", env=stack.env)
        names = [image.name for image in stack.cloud.world.images.values()]
    assert ran.code == 0
    told = {(entry["volume_id"], entry["policy"]) for entry in ran.document["outcomes"]}
    assert {(DB, "daily.request"), (WEB, "daily.request")} <= told
    assert sum("_daily.request_" in name for name in names) == 2


def test_a_dry_run_starts_nothing_in_a_full_cloud_either(cli: Cli) -> None:
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=3, in_flight=1) as stack:
        cli("request", DB, env=stack.env)
        ran = cli("request", WEB, "--dry-run", "--json", env=stack.env)
        images = stack.cloud.world.images.values()
        assert [image.volume_id for image in images] == [DB]
    assert ran.document["dry_run"]
    assert ("deferred", "no_room") in ran.said
