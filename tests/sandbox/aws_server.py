"""AWS on loopback: moto's S3, Secrets Manager and SQS behind the sandbox's own HTTP server."""

import io
import itertools
import re
import threading
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any, Self

import boto3
from botocore.config import Config
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import create_backend_app
from mypy_boto3_s3 import S3Client
from mypy_boto3_secretsmanager import SecretsManagerClient
from mypy_boto3_sqs import SQSClient

from tests.sandbox.http_server import HttpServer
from tests.sandbox.startable import Startable
from tests.sandbox.wire import Answer, Hook, Request, hooked

REGION = "eu-central-1"
ACCESS_KEY, SECRET_KEY = "sandbox", "sandbox"
CLIENT_CONFIG = Config(s3={"addressing_style": "path"})

_accounts = itertools.count(1)

_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")
"""Where Signature Version 4 names the service that a request is for."""


@cache
def _service(name: Any) -> Any:  # noqa: ANN401 - one of moto's literals; a WSGI application
    """Return moto's application of a service: one for every account of this process.

    moto's own dispatcher looks through moto's installed files at every request.
    """
    return create_backend_app(name)


class AwsSandbox(Startable):
    """One AWS account.

    moto keeps its data per process; an account of its own keeps two sandboxes of one process
    apart. Bucket names are the exception: S3 shares them between accounts, and so does moto, so
    put the `account_id` into them.

    moto honours `If-Match` and `If-None-Match` of a PUT to S3, but between its look and its write
    another thread can write too. Real S3 has no such gap: here, changes are made one at a time.

    `hook` is called around every request, those of its own clients included.
    """

    def __init__(self, port: int = 0) -> None:
        self.account_id = f"{next(_accounts):012}"
        self.region = REGION
        self.hook: Hook | None = None
        self._changes = threading.Lock()
        self._server = HttpServer(self._answer, port)
        self.url = f"http://127.0.0.1:{self._server.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment variables under which boto3 speaks to this sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @cached_property
    def s3(self) -> S3Client:
        """The client of its S3."""
        return boto3.client("s3", **self._client_arguments())

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """The client of its Secrets Manager."""
        return boto3.client("secretsmanager", **self._client_arguments())

    @cached_property
    def sqs(self) -> SQSClient:
        """The client of its SQS."""
        return boto3.client("sqs", **self._client_arguments())

    def create_bucket(self, name: str) -> str:
        """Create a versioned bucket and return its name."""
        place: Any = {"LocationConstraint": self.region}
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def empty(self, bucket: str) -> None:
        """Forget every object of a bucket, and every version: quicker than to delete them."""
        get_backend("s3")[self.account_id]["aws"].buckets[bucket].keys.clear()

    def forget_secrets(self) -> None:
        """Be an account without secrets, as at first."""
        get_backend("secretsmanager")[self.account_id][self.region].secrets.clear()

    def start(self) -> Self:
        """Answer from now on."""
        self._server.start()
        return self

    def stop(self) -> None:
        """End every connection and thread, its own clients' too."""
        for name in ("s3", "secrets", "sqs"):
            if name in self.__dict__:
                self.__dict__[name].close()
        self._server.stop()

    def _client_arguments(self) -> Mapping[str, Any]:
        return {
            "endpoint_url": self.url,
            "region_name": self.region,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
            "config": CLIENT_CONFIG,
        }

    def _answer(self, request: Request) -> Answer:
        return hooked(self.hook, self._worked, request)

    def _worked(self, request: Request) -> Answer:
        if request.method in {"GET", "HEAD"}:
            return self._ask_moto(request)
        with self._changes:
            return self._ask_moto(request)

    def _ask_moto(self, request: Request) -> Answer:
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
            head.append((status, headers))

        signed_for = _SIGNED_FOR.search(request.header("Authorization"))
        service = _service(signed_for["service"] if signed_for else "s3")
        parts: Iterable[bytes] = service(self._environ(request), start_response)
        body = b"".join(parts)
        [(status, headers)] = head
        return Answer(int(status.split()[0]), body, dict(headers))

    def _environ(self, request: Request) -> dict[str, Any]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.decoded_path,
            "RAW_URI": request.target,
            "REQUEST_URI": request.target,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.header("Content-Type"),
            "CONTENT_LENGTH": str(len(request.body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self._server.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            environ.setdefault(f"HTTP_{name.upper().replace('-', '_')}", value)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.account_id
        return environ
