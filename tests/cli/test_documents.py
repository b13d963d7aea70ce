"""What is written for people is so: commands, options, targets, links, alarms and figures."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.documents import commands
from tests.documents.pages import CHECKOUT, PAGES, anchors, blocks, code, links
from tests.template.rendered import Stack, template
from volume_images.report import CloudResult, DrillResult, ExportResult, ImageResult

OPERATIONS = (CHECKOUT / "docs" / "operations.md").read_text()
WHOLE = Stack(DrillSchedule="rate(7 days)", AlarmEmail="ops@example.com")
ALARMS = sorted(WHOLE.of_type("AWS::CloudWatch::Alarm"))
ENTRIES = dict(
    re.findall(r"^### (\w+)\n(.*?)(?=^##)", OPERATIONS, re.MULTILINE | re.DOTALL),
)

_COMMAND = re.compile(r"(?:^\s*|\$ |&& )(?:\.venv/bin/)?volume-images ((?=[a-zA-Z-]).*)")

_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
HELP = {
    words.strip(): text
    for words, text in re.findall(
        r"^## volume-images([^\n]*)\n```\n(.*?)^```$",
        commands.PAGE.read_text(),
        re.MULTILINE | re.DOTALL,
    )
}
"""What the commands say of themselves: another test holds that they do."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def named_commands(text: str) -> set[str]:
    """Return what is written after `volume-images`, up to what ends a command in a shell."""
    found = [line for part in map(_COMMAND.findall, code(text)) for line in part]
    return {re.split(r"[;|>&#]|\.\.\.", line)[0].strip() for line in found}


def words_of(command: str) -> str:
    first, second, *_ = [*command.replace('"', "").split(), "", ""]
    return f"{first} {second}" if f"{first} {second}" in HELP else first


@every_page
def test_every_command_that_is_named_exists_with_its_options(page: Path) -> None:
    for command in named_commands(page.read_text()):
        words = "" if command.startswith(("-", "COMMAND")) else words_of(command)
        assert words in HELP, f"volume-images {command}"
        missing = set(_OPTION.findall(command)) - set(_OPTION.findall(HELP[words]))
        assert missing == set(), f"volume-images {command}"


@every_page
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE)
    )
    lines = [line for line in code(page.read_text()) if line.startswith("make ")]
    named = {word for line in lines for word in line.split("#")[0].split()[1:]}
    assert {word for word in named if re.fullmatch("[a-z-]+", word)} - targets == set()


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page.read_text()):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_every_alarm_has_its_entry_in_the_runbook_and_no_other() -> None:
    assert sorted(ENTRIES) == ALARMS


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_entry_says_what_it_means_what_to_run_and_how_to_recover(alarm: str) -> None:
    parts = re.findall(r"^\*\*(\w+)\*\*: (.*)", ENTRIES[alarm], re.MULTILINE)
    assert [name for name, _ in parts] == ["Means", "Run", "Recover"]
    assert re.search("`(volume-images|aws) ", dict(parts)["Run"])


def test_every_parameter_of_the_template_is_told_and_no_other() -> None:
    table = OPERATIONS.split("| Parameters | What for |")[1].split("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if "|" in row[1:]]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(
        template()["Parameters"]
    )


def test_every_output_that_is_named_exists() -> None:
    named = set(re.findall(r"outputs? `(\w+)`", OPERATIONS.replace("\n", " ")))
    assert len(named) >= 5
    assert named - set(WHOLE.outputs) == set()


def test_every_result_and_reason_is_told() -> None:
    told = (CHECKOUT / "docs" / "reasons.md").read_text()
    kinds = (ExportResult, ImageResult, DrillResult, CloudResult)
    results = {result.value for kind in kinds for result in kind}
    package = CHECKOUT / "layers" / "volume_images" / "volume_images"
    reasons = {
        reason
        for file in package.rglob("*.py")
        for reason in re.findall(r'(?:reason=|Obstacle\()"([a-z]+(?:_[a-z]+)+)"', file.read_text())
    }
    assert len(reasons) > 10
    assert {word for word in results | reasons if f"`{word}`" not in told} == set()


@pytest.mark.slow
def test_every_line_of_the_crontab_runs(local: Cli, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(local("init", "lab").out)
    (table,) = blocks(OPERATIONS, "crontab")
    lines = [line for line in table.splitlines() if line.startswith(("*", *"0123456789"))]
    assert len(lines) == 4
    for line in lines:
        *_, command = line.split(" volume-images ")
        ran = local(*shlex.split(command))
        assert (ran.code, ran.err) == (0, ""), line
