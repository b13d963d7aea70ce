"""The stateful cloud over real HTTP: identity, block storage and images on one loopback port."""

import email.utils
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from tests.sandbox.answers import Refusal
from tests.sandbox.cinder import Cinder
from tests.sandbox.clock import START, SandboxClock
from tests.sandbox.controls import Controls
from tests.sandbox.evs import Evs
from tests.sandbox.failing import Failing, Stage
from tests.sandbox.faults import Fault, Faults
from tests.sandbox.glance import Glance
from tests.sandbox.http_server import HttpServer
from tests.sandbox.identity import Identity, Project
from tests.sandbox.ims import Ims
from tests.sandbox.keystone import Keystone
from tests.sandbox.secrets_of import secret_of
from tests.sandbox.seeds import plant_foreign_images, plant_volumes
from tests.sandbox.startable import Startable
from tests.sandbox.wire import Answer, Handler, Hook, Request, hooked
from tests.sandbox.world import World
from volume_images.dialect import Dialect

REGION = "sandbox-1"
PROJECT_ID = "0123456789abcdef0123456789abcdef"
PROJECT_NAME = f"{REGION}_acme"


class Seen(NamedTuple):
    """A request that a cloud service answered; the path has no query."""

    method: str
    path: str
    status: int


class CloudSandbox(Startable):
    """A cloud of one dialect.

    `world` is what it holds, `identity` who may call it, `clock` its time, `latency_ms` how long
    each answer takes, `hook` what is called around every request to a service. Its services live
    below `/identity`, `/volume` and `/image` on one port; 0 takes any free one. Clock and faults
    are read and changed over HTTP at a port of their own.

    `faults` is what goes wrong; setting it starts its counts and dice anew. `running` drives the
    clock, and all that goes by it, and `sleep` is how slow answers wait: in real seconds, unless
    a simulation has its own.
    """

    def __init__(
        self,
        *,
        dialect: Dialect,
        volumes: int = 3,
        latency_ms: float = 0,
        port: int = 0,
        foreign: bool = False,
        start: datetime = START,
        running: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.dialect = dialect
        self.latency_ms = latency_ms
        self.hook: Hook | None = None
        self.region = REGION
        self.project_id = PROJECT_ID
        self.project_name = PROJECT_NAME
        self.domain_name = "acme" if dialect is Dialect.HUAWEI else "Default"
        self._first = (start, volumes, foreign)
        self._running = running
        self._seen_lock = threading.Lock()
        self._server = HttpServer(self._answer, port, sleep)
        self._controls = HttpServer(Controls(self).handle)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._controls_url = f"http://127.0.0.1:{self._controls.port}"
        self.reset()

    def reset(self) -> None:
        """Be a cloud that nobody has used yet, with other secrets, at the same address."""
        start, volumes, foreign = self._first
        self.clock = SandboxClock(start, self._running)
        self.world = World(self.dialect, self.clock, PROJECT_ID)
        project = Project(id=PROJECT_ID, name=PROJECT_NAME, domain_name=self.domain_name)
        self.identity = Identity(self.dialect, project)
        self.requests: list[Seen] = []
        self.faults = Faults()
        self._services = self._open_services()
        plant_volumes(self.world, volumes)
        if foreign:
            plant_foreign_images(self.world)

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self._failing.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        stage = Stage(self.world, self.identity, self._server.sleep, self._note)
        self._put_in_force(Failing(faults, stage))

    @contextmanager
    def failing(self, *rules: Fault, seed: int = 0) -> Iterator[None]:
        """Let only these go wrong, inside a `with`; what went wrong before goes on after it."""
        before = self._failing
        self.faults = Faults(seed=seed, rules=rules)
        try:
            yield
        finally:
            self._put_in_force(before)

    @property
    def auth_url(self) -> str:
        """Where tokens are issued."""
        return f"{self.url}/identity/v3"

    @property
    def clock_url(self) -> str:
        """Where the clock is read and moved."""
        return f"{self._controls_url}/clock"

    @property
    def faults_url(self) -> str:
        """Where the faults are read and changed."""
        return f"{self._controls_url}/faults"

    @property
    def endpoints(self) -> dict[str, str]:
        """The addresses of block storage and images, without versions."""
        return {"block_storage": f"{self.url}/volume", "image": f"{self.url}/image"}

    def secret(self, role: str, kind: str = "password") -> dict[str, Any]:
        """Return the secret of `export`, `cleanup` or `restore`, as it stands in a vault.

        `kind` is one of `secrets_of.KINDS`; a temporary access key is a new one each time.
        """
        return {"auth_url": self.auth_url, **secret_of(self.identity, role, kind)}

    @contextmanager
    def alone(self, service: str) -> Iterator[str]:
        """Serve `identity`, `volume` or `image` at the root of a host of its own, as Huawei does.

        The vendor's SDKs know no other way.
        """
        server = HttpServer(lambda request: self._served(service, request)).start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.stop()

    def start(self) -> Self:
        """Answer from now on."""
        self._controls.start()
        self._server.start()
        self._put_in_force(self._failing)
        return self

    def stop(self) -> None:
        """End every connection and thread."""
        self._server.stop()
        self._controls.stop()

    def _put_in_force(self, failing: Failing) -> None:
        self._failing = failing
        if failing.refuses_connections:
            self._server.refuse()
        else:
            self._server.accept()

    def _open_services(self) -> Mapping[str, Handler]:
        volume_url, image_url = self.endpoints["block_storage"], self.endpoints["image"]
        huawei = self.dialect is Dialect.HUAWEI
        catalogue = (
            ("block-storage", "cinder", f"{volume_url}/v3/{PROJECT_ID}"),
            ("volumev3", "cinderv3", f"{volume_url}/v3/{PROJECT_ID}"),
            ("image", "glance", image_url),
        )
        identity = Keystone(self.identity, f"{self.url}/identity", REGION, catalogue)
        if huawei:
            volume: Handler = Evs(self.world, self.identity).handle
            image: Handler = Ims(self.world, self.identity, image_url).handle
        else:
            volume = Cinder(self.world, self.identity, volume_url).handle
            image = Glance(self.world, self.identity, image_url).handle
        return {"identity": identity.handle, "volume": volume, "image": image}

    def _answer(self, request: Request) -> Answer:
        _, service, *rest = request.path.split("/", 2)
        return self._served(
            service, replace(request, path="/" + "".join(rest), mount=f"/{service}")
        )

    def _served(self, service: str, request: Request) -> Answer:
        return hooked(self.hook, lambda asked: self._worked(service, asked), request)

    def _worked(self, service: str, request: Request) -> Answer:
        if self.latency_ms:
            self._server.sleep(self.latency_ms / 1000)
        return self._failing.answer(request, lambda asked: self._handled(service, asked))

    def _handled(self, service: str, request: Request) -> Answer:
        handler = self._services.get(service)
        with self.world.lock:
            self.world.settle()
            try:
                answer = handler(request) if handler else Answer(404)
            except Refusal as refusal:
                answer = refusal.answer
            return self._note(request, answer)

    def _note(self, request: Request, answer: Answer) -> Answer:
        with self._seen_lock:
            self.requests.append(Seen(request.method, request.sent_path, answer.status))
        return _dated(answer, self.clock.now())


def _dated(answer: Answer, moment: datetime) -> Answer:
    return answer.with_headers(Date=email.utils.format_datetime(moment, usegmt=True))
