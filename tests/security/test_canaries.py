"""No secret shows, whatever goes wrong: not in logs, reports, states, metrics, answers or errors.

Every kind of credential opens the sandbox for exports and cleanups, once in peace and once while
the cloud fails in each way and repeats the headers of every request in its answers. All loggers of
all libraries speak at debug level.
"""

import importlib.util
import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.answers import Refusal
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.secrets_of import KINDS
from tests.sandbox.stack import CLOUD_NAME, SECRET_PREFIX, SandboxStack
from tests.sandbox.wire import Answer, Handler, Request, json_answer
from volume_images.cli.inputs.invocation import context
from volume_images.clock import SystemClock
from volume_images.cloud import retries
from volume_images.dialect import Dialect
from volume_images.errors import VolumeImagesError
from volume_images.report import Function

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
SHOWN_BY_DESIGN = frozenset(
    {"auth_url", "username", "domain", "agency", "access_key", "application_credential_id"}
)
SECRET_HEADERS = ("X-Auth-Token", "X-Subject-Token", "X-Security-Token", "Authorization")
DAY = timedelta(days=1)
FUNCTIONS = ("export_volumes", "cleanup_images", "drill_images")

ALL_WELL = ("", 200)
FAILURES = [("volume", 400), ("volume", 401), ("image", 500), ("identity", 401)]
KINDS_OF_DIALECTS = [(Dialect.HUAWEI, kind) for kind in KINDS]
KINDS_OF_DIALECTS += [(Dialect.OPENSTACK, kind) for kind in ("password", "application_credential")]


class Tap:
    """Stands before the services of a sandbox, learns every secret that passes, and may fail."""

    def __init__(self, cloud: CloudSandbox) -> None:
        self.canaries: set[str] = set()
        self.failing = ALL_WELL
        services = cloud._services  # noqa: SLF001 - the wire between client and services
        cloud._services = {name: self._before(name, serve) for name, serve in services.items()}  # noqa: SLF001

    def _before(self, service: str, serve: Handler) -> Handler:
        def answer(request: Request) -> Answer:
            self._learn(dict(request.headers.items()))
            failed_service, status = self.failing
            if service == failed_service:
                return self._echo(request, status)
            try:
                answered = serve(request)
            except Refusal as refusal:
                answered = refusal.answer
            self._learn(answered.headers)
            return answered

        return answer

    def _learn(self, headers: Any) -> None:  # noqa: ANN401
        lower = {name.lower(): text for name, text in headers.items()}
        for name in SECRET_HEADERS:
            text = lower.get(name.lower(), "").rpartition("Signature=")[2]
            self.canaries |= {text} - {""}

    def _echo(self, request: Request, status: int) -> Answer:
        """Answer as the gateway does to a bad signature, with all that was sent, and more."""
        sent = "|".join(f"{name}:{text}" for name, text in request.headers.items())
        message = f"{sent} fail, canonicalRequest:{sent}|{request.body.decode()}"
        code = "APIGW.0301" if status == 401 else "EVS.5400"
        return json_answer(status, {"error_code": code, "error_msg": message, "request_id": "r"})


class Listener:
    """Hears all that anybody says."""

    def __init__(self) -> None:
        self.said = io.StringIO()
        self.handler = logging.StreamHandler(self.said)
        self.handler.setFormatter(logging.Formatter("%(name)s %(message)s"))

    @contextmanager
    def listening(self) -> Iterator[None]:
        root = logging.getLogger()
        names = [name for name in logging.root.manager.loggerDict if not name.startswith("moto")]
        loggers = [root, *(logging.getLogger(name) for name in names)]
        levels = [(logger, logger.level) for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        handlers, root.handlers = root.handlers, [self.handler]  # pytest's would double the work
        try:
            yield
        finally:
            root.handlers = handlers
            for logger, level in levels:
                logger.setLevel(level)

    def heard_error(self, error: BaseException) -> None:
        """Note an error in every form in which it may be printed, its causes too."""
        self.said.write("".join(traceback.format_exception(error)))
        link: BaseException | None = error
        while link is not None:
            self.said.write(f"{link!s} {link!r} {vars(link)!r} {link.args!r}\n")
            link = link.__cause__ or link.__context__


def loaded(function: str) -> Callable[[Any, Any], Any]:
    """Load a function as Lambda does once a process, and return its handler."""
    path = CHECKOUT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"canaries_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Any, Any], Any] = module.handler
    return handler


def run(handler: Callable[[Any, Any], Any], listener: Listener) -> None:
    """Let a function run once; note what it answers, or how it fails.

    Levels are set here, after the function silenced whom it silences.
    """
    with listener.listening():
        try:
            invocation = context(Function.EXPORT, "canary", SystemClock())
            listener.said.write(repr(handler({}, invocation)))
        except VolumeImagesError as error:
            listener.heard_error(error)


def put_secrets(cloud: CloudSandbox, kind: str, tap: Tap, secrets: Any) -> None:  # noqa: ANN401
    """Give the functions another secret of a kind, or the same anew."""
    for role in ("export", "cleanup", "restore"):
        secret = cloud.secret(role, kind)
        hidden = {key: text for key, text in secret.items() if key not in SHOWN_BY_DESIGN}
        tap.canaries |= set(hidden.values())
        secrets.put_secret_value(
            SecretId=f"{SECRET_PREFIX}/{role}/{CLOUD_NAME}", SecretString=json.dumps(secret)
        )


def stored(stack: SandboxStack) -> str:
    """Return all versions of all that was ever stored: states and reports."""
    s3, bucket = stack.aws.s3, stack.state_bucket
    versions = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    bodies = [
        s3.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
        for each in versions
    ]
    return "\n".join([*(each["Key"] for each in versions), *(body.decode() for body in bodies)])


@pytest.fixture(scope="module", params=list(Dialect))
def tapped(request: pytest.FixtureRequest) -> Iterator[tuple[SandboxStack, Tap]]:
    with SandboxStack(dialect=request.param, volumes=3) as stack:
        yield stack, Tap(stack.cloud)


def kinds(dialect: Dialect) -> list[str]:
    return [kind for of, kind in KINDS_OF_DIALECTS if of is dialect]


def test_nothing_secret_is_ever_shown(
    tapped: tuple[SandboxStack, Tap],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stack, tap = tapped
    lambda_s = {"LOG_LEVEL": "DEBUG", "AWS_LAMBDA_FUNCTION_NAME": "f"}
    for name, value in {**stack.env, **lambda_s}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(retries, "_FIRST_DELAY_SECONDS", 0.001)
    listener = Listener()
    with listener.listening():
        handlers = [loaded(function) for function in FUNCTIONS]
    secrets = stack.aws.secrets
    for kind in kinds(stack.cloud.dialect):
        for tap.failing in ALL_WELL, *FAILURES:
            put_secrets(stack.cloud, kind, tap, secrets)  # a new version: a refusal is over
            stack.cloud.clock.advance(DAY)
            for handler in handlers:
                run(handler, listener)
    shown = listener.said.getvalue() + "".join(capfd.readouterr()) + stored(stack)
    assert len(tap.canaries) > 20
    assert {canary for canary in tap.canaries if canary in shown} == set()
    assert_it_was_no_silence(stack, shown)


def assert_it_was_no_silence(stack: SandboxStack, shown: str) -> None:
    """Prove that runs ran, failed in each way, and were heard."""
    statuses = {seen.status for seen in stack.cloud.requests}
    assert statuses >= {200, 202, 400, 401, 500}
    for expected in ("started", "no_credential", "Starting new HTTP connection", '"_aws"'):
        assert expected in shown
