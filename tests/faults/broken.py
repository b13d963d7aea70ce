"""The product with one of its safeguards taken out, and the proof that must notice.

Each is a small change of one file of the package, as somebody might make it by mistake. A proof is
a test of fixed input: one of drawn input may, by chance, draw none that needs the safeguard.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """One safeguard, where it lies, how it is taken out, and which test then fails."""

    safeguard: str
    file: str
    change: tuple[str, str]
    proof: str


ONCE = "tests/faults/test_exactly_once.py::"
FAILURES = "tests/faults/test_export_failures.py::"
CLEANUP = "tests/functions/test_cleanup_run.py::"
PLANNING = "tests/core/test_cleanup_planning.py::"

ONLY_STUCK = """\
    elif image.state is ImageState.PENDING and image.image.id in stuck:
        failed = Failed(image, stuck[image.image.id])
"""
ANY_PENDING = """\
    elif image.state is ImageState.PENDING:
        failed = Failed(image, None)
"""

BROKEN = (
    Broken(
        "list before POST",
        "export/decisions.py",
        ("    found = exact or later(images, owed.slot, scene.now)\n", "    found = None\n"),
        ONCE + "test_a_lost_state_costs_no_second_image",
    ),
    Broken(
        "conditional write",
        "storage/s3.py",
        ("Body=body, IfMatch=version", "Body=body"),
        "tests/functions/test_store.py",
    ),
    Broken(
        "floor",
        "retention/judging.py",
        ("_fill_floor(kept, rules.min_keep,", "_fill_floor(kept, 0,"),
        PLANNING + "test_the_floor_stays_though_the_rules_keep_less",
    ),
    Broken(
        "announcement",
        "cleanup/due.py",
        ("(at_once or stands.deletes_at <= plan.now)", "True"),
        CLEANUP + "test_expired_images_are_announced_and_deleted_after_the_grace",
    ),
    Broken(
        "lapse",
        "cleanup/rows.py",
        ("judged is None or judged.digest != digest", "judged is None"),
        "tests/core/test_announcing.py::test_a_wait_starts_again_under_other_rules",
    ),
    Broken(
        "pending images stay",
        "cleanup/deciding.py",
        (ONLY_STUCK, ANY_PENDING),
        PLANNING + "test_a_failed_image_goes_by_its_own_rule_and_a_pending_one_only_when_stuck",
    ),
    Broken(
        "list again after a lost answer",
        "export/posting.py",
        ("if isinstance(one.answer, LostAnswer)\n", "if one is None\n"),
        ONCE + "test_an_answer_lost_after_the_work_was_done_is_found_by_name",
    ),
    Broken(
        "attempts are spaced",
        "export/decisions.py",
        ("    if not waits or max(waits) <= scene.now:\n", "    if True:\n"),
        FAILURES + "test_a_failed_export_is_tried_again_after_its_space",
    ),
    Broken(
        "hosts are checked",
        "cloud/hosts.py",
        (
            "        if not (host in self.exact or _in_vendor_domain(host)):\n",
            "        if not host:\n",
        ),
        "tests/cloud/test_hosts.py",
    ),
    Broken(
        "stuck images free their place",
        "export/settling.py",
        ("if now > entry.deadline and sight.not_uploading(entry):", "if now is None:"),
        FAILURES + "test_a_stuck_image_holds_no_place_and_does_not_stop_its_slot",
    ),
)
