"""What ran here and what Lambda gets: the same packages, files and bytes, but for the platform's.

A native module is for one platform: the core of pydantic in Lambda's build cannot be loaded here,
unless this machine happens to be what Lambda's is.
"""

import struct
import subprocess

import pytest

from tests.runtime.builds import (
    BORROWED,
    BORROWED_HERE,
    FOR_LAMBDA,
    HERE,
    OURS,
    PYTHON,
    ROOT,
    Build,
)
from tests.runtime.conftest import Say
from tests.template.rendered import Stack

pytestmark = pytest.mark.runtime

MOST_UNPACKED = 250 * 1024 * 1024
"""A function and its layers together, unpacked ("Lambda quotas")."""

ARM64 = 183
"""`e_machine` of an ELF file for AArch64."""

WHAT_TELLS_THE_PLATFORM = (".so", ".dist-info/RECORD", ".dist-info/WHEEL", ".cyclonedx.json")


@pytest.fixture(scope="module")
def for_lambda() -> Build:
    return Build(BORROWED)


@pytest.fixture(scope="module")
def for_here() -> Build:
    return Build(BORROWED_HERE)


def test_both_builds_hold_the_same_packages(for_lambda: Build, for_here: Build, say: Say) -> None:
    assert for_here.versions == for_lambda.versions
    say(f"packages: {len(for_lambda.versions)} in both builds, each of the same version")


def test_both_builds_hold_the_same_files(for_lambda: Build, for_here: Build, say: Say) -> None:
    assert sorted(for_here.files) == sorted(for_lambda.files)
    say(f"files: {len(for_lambda.files)} in both builds, of the same names")


def test_both_builds_hold_the_same_bytes_but_for_the_platforms(
    for_lambda: Build, for_here: Build
) -> None:
    different = {
        name for name in for_lambda.files if for_lambda.digest(name) != for_here.digest(name)
    }
    scripts = {name for name in different if name.startswith("bin/")}  # they name who built them
    assert [
        name for name in different - scripts if not name.endswith(WHAT_TELLS_THE_PLATFORM)
    ] == []
    assert for_lambda.native <= different


def test_native_modules_of_lambdas_build_are_for_lambdas_processor(for_lambda: Build) -> None:
    assert "pydantic_core/_pydantic_core.so" in for_lambda.native
    for name in for_lambda.native:
        header = for_lambda.files[name].read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert struct.unpack("<H", header[18:20]) == (ARM64,), name


def test_it_is_said_what_of_lambdas_build_cannot_be_loaded_here(
    for_lambda: Build, say: Say
) -> None:
    core = for_lambda.files["pydantic_core/_pydantic_core.so"].name
    done = subprocess.run(
        [PYTHON, "-S", "-B", "-c", "import pydantic_core"],
        env={"PYTHONPATH": str(BORROWED)},
        capture_output=True,
        text=True,
        check=False,
    )
    version = for_lambda.versions["pydantic_core"]
    if done.returncode:
        assert "pydantic_core._pydantic_core" in done.stderr
        say(
            f"NOT RUN: {core} of Lambda's build cannot be loaded by {HERE}. What ran is"
            f" pydantic_core {version} as built for this machine; Lambda's own was compared by"
            " name, version and processor alone"
        )
    else:
        say(f"{core} of Lambda's build can be loaded by {HERE}, too")


def test_our_layer_is_our_package_as_it_stands_in_the_checkout() -> None:
    source = Build(ROOT / "layers" / "volume_images" / "volume_images")
    built = Build(OURS / "volume_images")
    assert sorted(built.files) == sorted(source.files)
    assert [name for name in source.files if built.digest(name) != source.digest(name)] == []


def test_a_function_is_its_folder_of_the_checkout() -> None:
    for name, properties in Stack().of_type("AWS::Serverless::Function").items():
        source, built = Build(ROOT / properties["CodeUri"]), Build(FOR_LAMBDA / name)
        assert {file: built.digest(file) for file in built.files} == {
            file: source.digest(file) for file in source.files
        }


def test_all_of_it_fits_into_lambda(for_lambda: Build, say: Say) -> None:
    size = for_lambda.size + Build(OURS).size
    assert size < MOST_UNPACKED
    say(f"both layers unpacked: {size / 2**20:.0f} MiB of the 250 MiB that Lambda allows")
