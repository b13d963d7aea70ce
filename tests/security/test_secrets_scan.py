"""The scan of `make audit` finds what is planted, wherever it was hidden."""

import subprocess
from pathlib import Path

import pytest

from tests.security.secrets_scan import in_history, in_tree, known, unexplained

# Spelled in two parts: this file is scanned, too.
ACCESS_KEY = "AKIA" + "Q6MXNBTQNSL5WZ7E"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"
TOKEN = "9f86d081884c7d65" + "9a2feaa0c55ad015"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a repository with one commit and nothing secret in it."""
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "readme.md", "Nothing to see here.\n")
    return tmp_path


def git(checkout: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", "-C", str(checkout), *who, *arguments], check=True)


def commit(checkout: Path, name: str, text: str) -> None:
    (checkout / name).write_text(text)
    git(checkout, "add", name)
    git(checkout, "commit", "--quiet", "-m", f"Write {name}")


def test_nothing_is_found_where_nothing_is(checkout: Path) -> None:
    assert in_tree(checkout) == []
    assert in_history(checkout) == []


@pytest.mark.parametrize(
    ("name", "planted", "kind"),
    [
        ("app.py", f'KEY = "{ACCESS_KEY}"', "AWS Access Key"),
        ("tests.pem", PRIVATE_KEY, "Private Key"),
        ("token.py", f'TOKEN = "{TOKEN}"', "Hex High Entropy String"),
        ("app.py", f'KEY = "{ACCESS_KEY}"  # pragma: allowlist secret', "AWS Access Key"),
    ],
)
def test_a_planted_secret_is_found_before_it_is_committed(
    checkout: Path, name: str, planted: str, kind: str
) -> None:
    (checkout / name).write_text(f"{planted}\n")
    found = unexplained(in_tree(checkout), known())
    assert [(each.path, each.line, each.kind) for each in found] == [(name, 1, kind)]


def test_a_secret_that_was_taken_out_again_is_found_in_the_history(checkout: Path) -> None:
    commit(checkout, "app.py", f'KEY = "{ACCESS_KEY}"\n')
    commit(checkout, "app.py", "KEY = os.environ['KEY']\n")
    assert in_tree(checkout) == []
    found = unexplained(in_history(checkout), known())
    assert [(each.path, each.kind) for each in found] == [("app.py", "AWS Access Key")]


def test_a_secret_on_a_branch_that_was_never_merged_is_found(checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "-b", "other")
    commit(checkout, "app.py", f'KEY = "{ACCESS_KEY}"\n')
    git(checkout, "checkout", "--quiet", "-")
    assert {each.kind for each in in_history(checkout)} == {"AWS Access Key"}


def test_what_is_printed_does_not_hold_the_secret(checkout: Path) -> None:
    (checkout / "app.py").write_text(f'KEY = "{ACCESS_KEY}"\n')
    (finding,) = unexplained(in_tree(checkout), known())
    assert ACCESS_KEY not in str(finding)
    assert finding.digest in str(finding)


def test_what_is_explained_passes(checkout: Path) -> None:
    (checkout / "app.py").write_text(f'KEY = "{ACCESS_KEY}"\n')
    findings = in_tree(checkout)
    assert unexplained(findings, {each.digest for each in findings}) == []


def test_every_known_value_is_explained() -> None:
    assert len(known()) > 20
    for digest, why in known().items():
        assert len(digest) == 40
        assert len(why.split()) >= 4
