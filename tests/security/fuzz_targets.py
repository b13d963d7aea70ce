"""What is fuzzed: everything that reads what others wrote, and what the runs then make of it.

A target takes a seeded source of chance, makes one input, and gives it to the product. It returns
whether the input was accepted; any error that is not of our own tree is a fault, and so is an
input that was accepted and does not survive being written and read again.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any

import yaml
from rich.console import Console

from tests.security.fuzz_mutations import (
    document_bytes,
    hostile_text,
    scratched,
    spoilt,
)
from tests.security.fuzz_samples import (
    CLEANUP_STATE,
    CLOUDS_YAML,
    CONFIG,
    DB,
    EVENTS,
    EXPORT_STATE,
    HUAWEI_ANSWER,
    NAMES,
    OPENSTACK_ANSWER,
    REFUSALS,
    SECRETS,
)
from tests.security.told_cloud import DEPLOYMENT, NOW, PROJECT, ToldCloud, world_of
from tests.support.fleet import FleetStore
from volume_images.cleanup.run import cleanup_run
from volume_images.cleanup.state import CleanupState, cleanup_state_key, empty_cleanup_state
from volume_images.cli.output.report_table import report_table
from volume_images.cloud.answers import Answer, error_of, json_object
from volume_images.cloud.clouds_yaml import read_clouds_yaml
from volume_images.cloud.credentials import (
    AccessKey,
    ApplicationCredential,
    Password,
    Secret,
    parse_secret,
)
from volume_images.cloud.endpoints import Service
from volume_images.cloud.huawei import HuaweiImages, HuaweiVolumes
from volume_images.cloud.openstack import OpenstackImages, OpenstackVolumes
from volume_images.config.checks import check_config
from volume_images.config.lint import lint_config
from volume_images.config.schema import Config, parse_config
from volume_images.errors import CloudError, VolumeImagesError
from volume_images.export.run import export_run
from volume_images.export.state import ExportState, empty_export_state, export_state_key
from volume_images.image_name import MAX_LENGTH, ImageName, safe_label
from volume_images.memory import read_state
from volume_images.model import RequestedExport, Requests, Tick, Trigger, Volume
from volume_images.report import Report
from volume_images.stopwatch import RunLimits
from volume_images.triggers import parse_trigger

LONGEST_ERROR = 20_000
LIMITS = RunLimits(act=1, end=2)
PASSWORD = "canary-password-7c1f"


class Fault(AssertionError):
    """The product did what it must not do."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz; `share` of 100 inputs are its."""

    share: int
    try_one: Callable[[Random], bool]


def refused(error: VolumeImagesError, *, hidden: str = "") -> bool:
    """Look at a refusal: one line, of a length that a person reads, and nothing secret in it."""
    text = str(error)
    if len(text) > LONGEST_ERROR:
        raise Fault(f"an error of {len(text)} characters: {text[:100]}")
    if "\n" in text or "\r" in text:
        raise Fault(f"an error of several lines: {text[:200]!r}")
    if hidden and hidden in text:
        raise Fault("an error shows a secret")
    return False


def must(condition: bool, says: str) -> None:  # noqa: FBT001 - as an assertion
    if not condition:
        raise Fault(says)


@cache
def base_config() -> Config:
    """Parse the config of all targets but its own, once."""
    return parse_config(json.dumps(CONFIG).encode(), "config")


def told_cloud() -> ToldCloud:
    cloud = ToldCloud()
    cloud.disks[DB] = Volume(id=DB, name="db01", status="available", size_gib=40)
    return cloud


def run_both(cloud: ToldCloud, store: FleetStore, trigger: Trigger, dice: Random) -> None:
    """Let both functions run; what they write must be readable, what they show must be harmless."""
    world = world_of(base_config(), cloud, store)
    before = {key: len(bodies) for key, bodies in store.objects.items()}
    shown = dice.random() < 0.1
    look(export_run(world, trigger, limits=LIMITS), store, shown=shown)
    cloud.clock.sleep(timedelta(hours=25).total_seconds())
    look(cleanup_run(world, Tick(), limits=LIMITS), store, shown=shown)
    for key, kind in (
        (export_state_key("otc"), ExportState),
        (cleanup_state_key("otc"), CleanupState),
    ):
        bodies = store.objects.get(key, [])
        if len(bodies) > before.get(key, 0):
            state = kind.model_validate_json(bodies[-1])
            must(again(state) == state, f"{key} does not survive being written and read")


def again(state: Any) -> Any:  # noqa: ANN401 - a model of pydantic
    return type(state).model_validate_json(state.model_dump_json(exclude_defaults=True))


def look(report: Report, store: FleetStore, *, shown: bool) -> None:
    """Write a report, and show it: nobody may obey its words."""
    store.write_report("reports/fuzz.json", json.dumps(report.as_json(), allow_nan=False).encode())
    if shown:
        screen = Console(file=io.StringIO(), width=100, force_terminal=False)
        screen.print(report_table(report, {}, screen.width))
        text = screen.file.getvalue()  # type: ignore[attr-defined]
        must(text.replace("\n", " ").isprintable(), "a table holds what a screen obeys")


def try_config(dice: Random) -> bool:
    try:
        config = parse_config(document_bytes(CONFIG, dice), "config.yaml")
    except VolumeImagesError as error:
        return refused(error)
    text = config.model_dump_json()
    must(Config.model_validate_json(text) == config, "a config does not round trip")
    for problem in (*check_config(config), *lint_config(config)):
        must("\n" not in str(problem), "a problem of several lines")
    if dice.random() < 0.2:
        export_run(world_of(config, told_cloud(), FleetStore()), Tick(), limits=LIMITS)
    return True


def try_secret(dice: Random) -> bool:
    sample = dice.choice(SECRETS)
    text = document_bytes(sample, dice).removeprefix(b"# as YAML\n").decode(errors="replace")
    hidden = "" if stands_open(text, json.loads) else PASSWORD
    try:
        secret = parse_secret(text, "demo/export/otc")
    except VolumeImagesError as error:
        return refused(error, hidden=hidden)
    must(not hidden or hidden not in repr(secret), "a secret shows itself")
    must(parse_secret(json.dumps(secret_document(secret)), "x") == secret, "no round trip")
    return True


def stands_open(text: str, parse: Callable[[str], object]) -> bool:
    """Whether a fault copied the password to where names stand; there it is no secret."""
    try:
        document = parse(text)
    except Exception:  # noqa: BLE001 - then it stands nowhere
        return False

    def places(node: object, key: str) -> Iterator[str]:
        match node:
            case dict():
                yield from (place for name, child in node.items() for place in places(child, name))
                yield from (str(name) for name in node if PASSWORD in str(name))
            case list():
                yield from (place for child in node for place in places(child, key))
            case str() if PASSWORD in node:
                yield key

    return not set(places(document, "")) <= SECRET_KEYS


def secret_document(secret: Secret) -> dict[str, object]:
    """Write a secret as it is written in Secrets Manager."""
    login = secret.login
    written: dict[str, object] = {"auth_url": secret.auth_url, "hosts": list(secret.hosts)}
    match login:
        case Password():
            written |= {"username": login.username, "password": login.password}
            written |= {"domain": login.domain.name}
            if login.agency:
                written |= {"agency": {"name": login.agency.name, "domain": login.agency.domain}}
        case ApplicationCredential():
            written |= {"application_credential_id": login.id}
            written |= {"application_credential_secret": login.secret}
        case AccessKey():
            extra = {"security_token": login.security_token, "domain_id": login.domain_id}
            written |= {"access_key": login.access_key, "secret_key": login.secret_key}
            written |= {name: text for name, text in extra.items() if text is not None}
    return written


def try_event(dice: Random) -> bool:
    event = spoilt(dice.choice(EVENTS), dice)
    try:
        trigger = parse_trigger(event, now=NOW)
    except VolumeImagesError as error:
        return refused(error)
    plain = plain_event(trigger)
    if plain is not None:
        must(parse_trigger(plain, now=NOW) == trigger, "a trigger does not round trip")
    if dice.random() < 0.2:
        world = world_of(base_config(), told_cloud(), FleetStore())
        try:
            look(export_run(world, trigger, limits=LIMITS), FleetStore(), shown=True)
        except VolumeImagesError as error:
            return refused(error)
    return True


def plain_event(trigger: Trigger) -> dict[str, object] | None:
    """Write a trigger as an event of the plain shape; None for what only a queue can say."""
    match trigger:
        case Tick():
            one: Tick | RequestedExport = trigger
            at = (
                {"scheduled_time": trigger.scheduled_at.isoformat()} if trigger.scheduled_at else {}
            )
        case Requests(requests=(one,), from_queue=False) if one.requested_at is None:
            at = {}
        case _:
            return None
    named = {"policies": sorted(one.policies), "volume_ids": sorted(one.volume_ids)}
    if isinstance(one, RequestedExport):  # their order tells which policy comes first
        named = {"policies": [*one.policies], "volume_ids": [*one.volume_ids]}
    filled = {key: names for key, names in named.items() if names}
    return {**at, **filled, "dry_run": one.dry_run}


def try_export_state(dice: Random) -> bool:
    return try_state(dice, EXPORT_STATE, export_state_key("otc"), empty_export_state(DEPLOYMENT))


def try_cleanup_state(dice: Random) -> bool:
    return try_state(dice, CLEANUP_STATE, cleanup_state_key("otc"), empty_cleanup_state(DEPLOYMENT))


def try_state(dice: Random, sample: object, key: str, empty: Any) -> bool:  # noqa: ANN401
    """Read a state that was tampered with; it may be lost, but the runs go on."""
    body = document_bytes(sample, dice).removeprefix(b"# as YAML\n")
    store = FleetStore(objects={key: [body]})
    try:
        memory = read_state(store, key, empty)
    except VolumeImagesError as error:
        return refused(error)
    accepted = memory.state != empty
    must(again(memory.state) == memory.state, "a state does not round trip")
    cloud = told_cloud()
    for entry in OPENSTACK_ANSWER["images"]:
        image = OpenstackImages(Service("https://x"), PROJECT).image(as_entry(entry))
        cloud.files[image.id] = image
    run_both(cloud, store, Tick(), dice)
    return accepted


def as_entry(document: Mapping[str, object]) -> Any:  # noqa: ANN401 - an Entry
    return json_object(Answer("GET x", 200, {}, json.dumps(document).encode()))


def try_answer(dice: Random) -> bool:
    """Let a cloud answer both listings, and let the runs work with what was understood of them."""
    huawei = dice.random() < 0.5
    body = document_bytes(HUAWEI_ANSWER if huawei else OPENSTACK_ANSWER, dice)
    answer = Answer("GET https://x/listing", 200, {}, body.removeprefix(b"# as YAML\n"))
    service = Service("https://x.example.com")
    images = (HuaweiImages if huawei else OpenstackImages)(service, PROJECT)
    volumes = (HuaweiVolumes if huawei else OpenstackVolumes)(service, PROJECT)
    asked = {"limit": "1000", "offset": "0"}
    try:
        entry = json_object(answer)
        listed = images.page(entry, asked)
        disks = volumes.page(entry, asked)
    except CloudError as error:
        return refused(error)
    cloud = told_cloud()
    cloud.files = {image.id: image for image in listed.items}
    cloud.disks = {volume.id: volume for volume in disks.items}
    run_both(cloud, FleetStore(), Tick(), dice)
    return True


def try_refusal(dice: Random) -> bool:
    """Let a cloud refuse: any status, any header, any body is one error of one line."""
    body = document_bytes(dice.choice(REFUSALS), dice)
    if dice.random() < 0.2:
        body = hostile_text(dice).encode(errors="surrogatepass") + PASSWORD.encode()
    headers = {
        name: hostile_text(dice, "120").encode(errors="replace").decode("latin-1")
        for name in ("Retry-After", "Date", "X-Request-Id", "Content-Type")
        if dice.random() < 0.5
    }
    status = dice.choice((300, 400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 599))
    error = error_of(Answer("GET x", status, headers, body), hidden=(PASSWORD,), now=NOW)
    refused(error, hidden=PASSWORD)
    must(str(error).isprintable(), "an error holds what a screen obeys")
    return True


def try_clouds_yaml(dice: Random) -> bool:
    if dice.random() < 0.5:
        body = document_bytes(CLOUDS_YAML, dice)
    else:
        text = json.dumps(CLOUDS_YAML, indent=1).replace('"otc": {', '"otc": &entry {')
        body = scratched(text.encode(), dice)
    with NamedTemporaryFile(prefix="clouds-", suffix=".yaml") as file:
        file.write(body)
        file.flush()
        try:
            secret = read_clouds_yaml("otc", {"OS_CLIENT_CONFIG_FILE": file.name})
        except VolumeImagesError as error:
            told = str(error)
        else:
            told = repr(secret)
    if PASSWORD in told:
        must(stands_open(body.decode(errors="replace"), yaml.safe_load), "a secret shows itself")
    return told.startswith("Secret(")


def try_image_name(dice: Random) -> bool:
    text = dice.choice(NAMES)
    for _ in range(dice.randrange(3)):
        text = hostile_text(dice, text)
    label = safe_label(text, MAX_LENGTH)
    must(set(label) <= set(SAFE), f"a label holds more than it may: {label!r}")
    name = ImageName.parse(text)
    if name is None:
        return False
    must(str(name) == text, "a name is not spelled as it was")
    must(len(text) <= MAX_LENGTH, "a name is too long")
    must("/" not in text and text.isprintable(), "a name may be taken for a path or a command")
    return True


SECRET_KEYS = {"password", "application_credential_secret", "secret_key", "security_token"}
SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
TARGETS: Mapping[str, Target] = {
    "config": Target(18, try_config),
    "secret": Target(14, try_secret),
    "event": Target(16, try_event),
    "export-state": Target(6, try_export_state),
    "cleanup-state": Target(6, try_cleanup_state),
    "answer": Target(10, try_answer),
    "refusal": Target(10, try_refusal),
    "clouds-yaml": Target(6, try_clouds_yaml),
    "image-name": Target(14, try_image_name),
}
