"""The store, in S3 (the sandbox's, over HTTP) and in a folder: what it reads, writes, refuses."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from tests.sandbox.aws_server import AwsSandbox
from volume_images.errors import ConfigError, Conflict, SettingsError, StoreError
from volume_images.storage.address import CONFIG_LIMIT, S3Address, parse_address
from volume_images.storage.folder import ConfigFile, FolderStore, read_file
from volume_images.storage.s3 import Answer, S3Config, S3Store, read_answer, read_object

KEY = "state/export/otc.json"


BUCKETS = ("store", "config", "plain")


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsSandbox]:
    with AwsSandbox() as aws:
        yield aws


def s3_client(endpoint: str) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="made-up",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=1),
    )


@pytest.fixture(scope="module")
def buckets(aws: AwsSandbox) -> Iterator[S3Client]:
    client = s3_client(aws.url)
    here = {"LocationConstraint": "eu-central-1"}
    for name in BUCKETS:
        client.create_bucket(Bucket=name, CreateBucketConfiguration=here)
    for name in ("store", "config"):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield client
    for name in BUCKETS:  # no two accounts may have buckets of one name
        aws.empty(name)
        client.delete_bucket(Bucket=name)
    client.close()


@pytest.fixture
def s3(aws: AwsSandbox, buckets: S3Client) -> S3Client:
    """Return a client whose buckets are empty; `plain` keeps no versions."""
    for name in BUCKETS:
        aws.empty(name)
    return buckets


@pytest.fixture
def hangs_up() -> Iterator[str]:
    """Serve an address that takes every request and closes the connection without an answer."""

    class HangUp(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)

    with ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def config(s3: S3Client) -> S3Config:
    return S3Config(s3, S3Address("config", "config.yaml"))


@pytest.fixture
def s3_store(s3: S3Client, config: S3Config) -> S3Store:
    return S3Store(s3, S3Address("store", "prod"), config)


@pytest.fixture
def folder_store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store", ConfigFile(tmp_path / "config.yaml"))


@pytest.fixture(params=["s3", "folder"])
def store(request: pytest.FixtureRequest) -> S3Store | FolderStore:
    return request.getfixturevalue(f"{request.param}_store")


class TestEveryStore:
    def test_a_state_that_was_never_written_is_none(self, store: S3Store | FolderStore) -> None:
        assert store.state(KEY) is None

    def test_a_written_state_reads_back_with_the_version_that_the_write_returned(
        self, store: S3Store | FolderStore
    ) -> None:
        version = store.replace_state(KEY, b"one", None)
        stored = store.state(KEY)
        assert stored is not None
        assert (stored.body, stored.version) == (b"one", version)

    def test_a_new_state_is_written_only_if_there_is_none(
        self, store: S3Store | FolderStore
    ) -> None:
        store.replace_state(KEY, b"one", None)
        with pytest.raises(Conflict, match="read it again"):
            store.replace_state(KEY, b"two", None)
        stored = store.state(KEY)
        assert stored is not None
        assert stored.body == b"one"

    def test_of_two_writers_that_read_the_same_version_the_second_conflicts(
        self, store: S3Store | FolderStore
    ) -> None:
        version = store.replace_state(KEY, b"one", None)
        store.replace_state(KEY, b"two", version)
        with pytest.raises(Conflict):
            store.replace_state(KEY, b"three", version)
        stored = store.state(KEY)
        assert stored is not None
        assert stored.body == b"two"

    def test_a_state_that_was_removed_since_it_was_read_conflicts(
        self, store: S3Store | FolderStore
    ) -> None:
        with pytest.raises(Conflict):
            store.replace_state(KEY, b"two", '"0123456789abcdef0123456789abcdef"')

    def test_a_report_is_written_where_its_address_says(
        self, store: S3Store | FolderStore, s3: S3Client
    ) -> None:
        address = parse_address(store.write_report("reports/export/2026/03/02/r.json", b"{}"))
        found = (
            address.read_bytes()
            if isinstance(address, Path)
            else read_object(s3, address, limit=100)
        )
        assert found == b"{}"

    def test_the_reports_of_a_day_are_listed_newest_first(
        self, store: S3Store | FolderStore
    ) -> None:
        day = "reports/export/2026/03/02"
        for name in ("20260302T020000Z-a.json", "20260302T021000Z-b.json", "page.html"):
            store.write_report(f"{day}/{name}", b"{}")
        store.write_report("reports/export/2026/03/20/20260320T000000Z-c.json", b"{}")

        assert store.reports(day) == [
            f"{day}/20260302T021000Z-b.json",
            f"{day}/20260302T020000Z-a.json",
        ]
        assert list(store.reports("reports/cleanup/2026/03/02")) == []

    def test_a_report_reads_back_and_one_that_is_not_there_is_none(
        self, store: S3Store | FolderStore
    ) -> None:
        store.write_report("reports/export/2026/03/02/r.json", b"{}")
        stored = store.report("reports/export/2026/03/02/r.json")

        assert stored is not None
        assert stored.body == b"{}"
        assert store.report("reports/export/2026/03/02/s.json") is None

    @pytest.mark.parametrize(
        "key",
        ["../x", "state/../../x", "/etc/passwd", "state//x", "", ".lock", "a/.", "a b", "a\n"],
    )
    def test_no_key_leaves_the_store_or_hides_in_it(
        self, store: S3Store | FolderStore, key: str
    ) -> None:
        with pytest.raises(StoreError, match="not a key of the store"):
            store.state(key)
        with pytest.raises(StoreError, match="not a key of the store"):
            store.write_report(key, b"")

    def test_a_missing_config_is_a_config_error_that_names_it(
        self, store: S3Store | FolderStore
    ) -> None:
        with pytest.raises(ConfigError, match=r"config\.yaml: no such"):
            store.config()


class TestS3Config:
    def test_its_version_is_the_version_id(self, s3: S3Client, s3_store: S3Store) -> None:
        """Times or contents would not tell an edit that was taken back."""
        put = s3.put_object(Bucket="config", Key="config.yaml", Body=b"a")
        stored = s3_store.config()
        assert (stored.body, stored.version) == (b"a", put["VersionId"])

    def test_versions_since_are_the_later_ones_oldest_first(
        self, s3: S3Client, s3_store: S3Store
    ) -> None:
        ids = [
            s3.put_object(Bucket="config", Key="config.yaml", Body=body)["VersionId"]
            for body in (b"a", b"b", b"c", b"b")
        ]
        s3.put_object(Bucket="config", Key="config.yaml.bak", Body=b"other")
        assert s3_store.config_versions(ids[0]) == [b"b", b"c", b"b"]
        assert s3_store.config_versions(ids[2]) == [b"b"]
        assert s3_store.config_versions(ids[3]) == []

    def test_a_removal_in_between_is_no_version(self, s3: S3Client, s3_store: S3Store) -> None:
        first = s3.put_object(Bucket="config", Key="config.yaml", Body=b"a")["VersionId"]
        s3.delete_object(Bucket="config", Key="config.yaml")
        s3.put_object(Bucket="config", Key="config.yaml", Body=b"b")
        assert s3_store.config_versions(first) == [b"b"]

    def test_what_came_after_a_forgotten_version_is_not_known(
        self, s3: S3Client, s3_store: S3Store
    ) -> None:
        first = s3.put_object(Bucket="config", Key="config.yaml", Body=b"a")["VersionId"]
        s3.put_object(Bucket="config", Key="config.yaml", Body=b"b")
        s3.delete_object(Bucket="config", Key="config.yaml", VersionId=first)
        assert s3_store.config_versions(first) is None

    def test_a_bucket_without_versions_gives_the_etag_and_knows_no_history(
        self, s3: S3Client
    ) -> None:
        config = S3Config(s3, S3Address("plain", "config.yaml"))
        put = s3.put_object(Bucket="plain", Key="config.yaml", Body=b"a")
        assert config.read().version == put["ETag"]
        assert config.versions(put["ETag"]) is None
        assert config.versions("null") is None

    def test_a_config_that_is_too_large_is_read_a_byte_beyond_the_limit(
        self, s3: S3Client, s3_store: S3Store
    ) -> None:
        s3.put_object(Bucket="config", Key="config.yaml", Body=b"x" * (CONFIG_LIMIT + 10))
        assert len(s3_store.config().body) == CONFIG_LIMIT + 1


class TestS3States:
    def test_earlier_states_are_the_versions_before_the_current_one_newest_first(
        self, s3_store: S3Store
    ) -> None:
        version = None
        for body in (b"one", b"two", b"three", b"damaged"):
            version = s3_store.replace_state(KEY, body, version)
        assert s3_store.earlier_states(KEY) == [b"three", b"two", b"one"]

    def test_no_write_is_lost_among_writers_that_write_at_once(self) -> None:
        with AwsSandbox() as aws:
            bucket = aws.create_bucket(f"store-{aws.account_id}")
            store = S3Store(aws.s3, S3Address(bucket, ""), S3Config(aws.s3, S3Address(bucket, "c")))
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(count_up, [store] * 12))
            stored = store.state(KEY)
        assert stored is not None
        assert stored.body == b"12"

    def test_only_the_newest_earlier_states_are_read(self, s3: S3Client, s3_store: S3Store) -> None:
        for number in range(14):
            s3.put_object(Bucket="store", Key=f"prod/{KEY}", Body=b"%d" % number)
        assert s3_store.earlier_states(KEY) == [b"%d" % number for number in range(12, 2, -1)]

    def test_a_missing_bucket_is_an_error_and_never_an_empty_store(
        self, s3: S3Client, config: S3Config
    ) -> None:
        store = S3Store(s3, S3Address("no-such-bucket", ""), config)
        with pytest.raises(StoreError, match=r"s3://no-such-bucket/state/export/otc\.json"):
            store.state(KEY)
        with pytest.raises(StoreError, match="NoSuchBucket") as caught:
            store.replace_state(KEY, b"one", None)
        assert not isinstance(caught.value, Conflict)

    @pytest.mark.parametrize("silent", ["http://127.0.0.1:9", "hangs up"])
    def test_a_write_whose_answer_is_lost_is_a_conflict_and_a_read_is_not(
        self, config: S3Config, silent: str, hangs_up: str
    ) -> None:
        """The caller reads again, and recognises its own write if it was one."""
        nobody = s3_client(hangs_up if silent == "hangs up" else silent)
        store = S3Store(nobody, S3Address("store", ""), config)
        with pytest.raises(Conflict, match="the answer to a write was lost"):
            store.replace_state(KEY, b"one", None)
        with pytest.raises(StoreError, match="no answer from S3"):
            store.state(KEY)
        with pytest.raises(StoreError, match="no answer from S3"):
            store.earlier_states(KEY)
        with pytest.raises(StoreError, match="no answer from S3"):
            store.write_report("reports/r.json", b"{}")

    def test_a_write_that_was_never_sent_is_no_conflict(
        self, config: S3Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        nobody = boto3.session.Session().client("s3", region_name="eu-central-1")
        store = S3Store(nobody, S3Address("store", ""), config)
        with pytest.raises(StoreError, match="check the AWS credentials") as caught:
            store.replace_state(KEY, b"one", None)
        assert not isinstance(caught.value, Conflict)

    def test_an_object_beyond_its_limit_is_not_read(self, s3: S3Client) -> None:
        s3.put_object(Bucket="plain", Key="ca.pem", Body=b"x" * 11)
        with pytest.raises(StoreError, match=r"s3://plain/ca\.pem: larger than 10 bytes"):
            read_object(s3, S3Address("plain", "ca.pem"), limit=10)

    def test_an_object_that_must_be_there_and_is_not_is_an_error(self, s3: S3Client) -> None:
        with pytest.raises(StoreError, match=r"s3://plain/ca\.pem: no such object"):
            read_object(s3, S3Address("plain", "ca.pem"), limit=10)


@pytest.mark.parametrize(
    ("status", "code", "answer"),
    [
        (404, "NoSuchKey", Answer.MISSING),
        (404, "NoSuchVersion", Answer.MISSING),
        (404, "NoSuchBucket", Answer.NO_BUCKET),
        (403, "AccessDenied", Answer.DENIED),
        (403, "SignatureDoesNotMatch", Answer.DENIED),
        (412, "PreconditionFailed", Answer.CHANGED),
        (409, "ConditionalRequestConflict", Answer.CHANGED),
        (500, "InternalError", Answer.UNCLEAR),
        (503, "SlowDown", Answer.UNCLEAR),
        (400, "InvalidRequest", Answer.REFUSED),
    ],
)
def test_what_an_answer_of_s3_means(status: int, code: str, answer: Answer) -> None:
    """403 above all: without `s3:ListBucket` a missing key answers it, so it is never "none"."""
    error = ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject"
    )
    assert read_answer(error) is answer


def count_up(store: S3Store | FolderStore) -> None:
    """Add one to the number in a state, as often as it takes."""
    while True:
        stored = store.state(KEY)
        count = int(stored.body) if stored else 0
        with suppress(Conflict):
            store.replace_state(KEY, b"%d" % (count + 1), stored.version if stored else None)
            return


def count_up_in(folder: str) -> None:
    count_up(FolderStore(Path(folder), ConfigFile(Path(folder))))


class TestFolder:
    def test_no_write_is_lost_among_processes_that_write_at_once(
        self, folder_store: FolderStore
    ) -> None:
        with ProcessPoolExecutor(4, mp_context=get_context("fork")) as processes:
            list(processes.map(count_up_in, [str(folder_store.folder)] * 40))
        stored = folder_store.state(KEY)
        assert stored is not None
        assert stored.body == b"40"

    def test_nothing_but_the_object_and_the_lock_is_left_behind(
        self, folder_store: FolderStore
    ) -> None:
        folder_store.replace_state(KEY, b"one", None)
        files = [path for path in folder_store.folder.rglob("*") if path.is_file()]
        assert sorted(files) == [folder_store.folder / ".lock", folder_store.folder / KEY]

    def test_what_a_killed_writer_left_is_written_over(self, folder_store: FolderStore) -> None:
        folder_store.replace_state(KEY, b"one", None)
        (folder_store.folder / f"{KEY}.new").write_bytes(b"half a sta")
        stored = folder_store.state(KEY)
        assert stored is not None
        folder_store.replace_state(KEY, b"two", stored.version)
        assert (folder_store.folder / KEY).read_bytes() == b"two"

    def test_it_keeps_no_versions(self, folder_store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "config.yaml").write_bytes(b"a")
        folder_store.replace_state(KEY, b"one", None)
        assert folder_store.earlier_states(KEY) == ()
        assert folder_store.config_versions(folder_store.config().version) is None

    def test_the_version_of_a_config_follows_its_content(
        self, folder_store: FolderStore, tmp_path: Path
    ) -> None:
        (tmp_path / "config.yaml").write_bytes(b"a")
        before = folder_store.config()
        (tmp_path / "config.yaml").write_bytes(b"b")
        assert before.body == b"a"
        assert folder_store.config().version != before.version

    def test_what_cannot_be_read_is_an_error_and_never_none(
        self, folder_store: FolderStore
    ) -> None:
        (folder_store.folder / KEY).mkdir(parents=True)
        with pytest.raises(StoreError, match=r"cannot read .*Is a directory"):
            folder_store.state(KEY)

    def test_a_folder_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        store = FolderStore(tmp_path / "file" / "store", ConfigFile(tmp_path))
        with pytest.raises(StoreError, match="cannot lock"):
            store.replace_state(KEY, b"one", None)

    def test_a_path_that_cannot_be_written_is_an_error(self, folder_store: FolderStore) -> None:
        (folder_store.folder).mkdir()
        (folder_store.folder / "reports").write_bytes(b"")
        with pytest.raises(StoreError, match="cannot write"):
            folder_store.write_report("reports/r.json", b"{}")

    def test_a_file_that_must_be_there_is_bounded_and_named(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"ca\.pem: no such file"):
            read_file(tmp_path / "ca.pem", limit=10)
        (tmp_path / "ca.pem").write_bytes(b"x" * 11)
        with pytest.raises(StoreError, match=r"ca\.pem: larger than 10 bytes"):
            read_file(tmp_path / "ca.pem", limit=10)
        assert read_file(tmp_path / "ca.pem", limit=11) == b"x" * 11


class TestAddress:
    def test_s3_addresses_and_paths_are_told_apart(self) -> None:
        assert parse_address("s3://bucket/a/b.yaml") == S3Address("bucket", "a/b.yaml")
        assert parse_address("s3://bucket/prefix/") == S3Address("bucket", "prefix")
        assert parse_address("s3://bucket") == S3Address("bucket", "")
        assert parse_address("config.yaml") == Path("config.yaml")

    def test_an_address_without_a_bucket_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="names no bucket"):
            parse_address("s3:///config.yaml")
