"""What is sent twice, what never is, and what every failure on the way becomes."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.cloud.scripted import (
    ACTION,
    HTML,
    IMAGE,
    IMAGE_PATH,
    IMAGES_PATH,
    NOW,
    VOLUME,
    VOLUME_PATH,
    ScriptedCloud,
    accepted,
    export_request,
    image_document,
    refusal,
    volume_document,
)
from tests.sandbox.wire import Answer, Request, json_answer
from volume_images.cloud import bounded, wire
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    LostAnswer,
    NotFound,
    Refused,
    Throttled,
)

UNAUTHORIZED = refusal(401, {"error": {"code": 401, "message": "who?"}})
OLD_TOKEN = refusal(400, {"error": {"code": "Common.0013", "message": "invalid token"}})
THROTTLED = refusal(429, {"error_code": "APIGW.0308", "error_msg": "slow down"}, Retry_After="5")
DOWN = Answer(502, b"<html>bad gateway</html>")
VOLUME_ANSWER = json_answer(200, {"volume": volume_document()})


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        yield running


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve connections by hand: for what no well-behaved server does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    if not connection.recv(65536):
                        return  # the test is over
                    talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        address = listener.getsockname()
        yield f"http://127.0.0.1:{address[1]}"
        socket.create_connection(address).close()
        thread.join()


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def half_an_answer(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{")


def no_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def wrong_gzip(connection: socket.socket) -> None:
    connection.sendall(
        b"HTTP/1.1 202 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    )


# --- the export


def test_an_accepted_export_is_read_whole(cloud: ScriptedCloud) -> None:
    cloud.script("POST", ACTION, json_answer(202, accepted()))
    answer = cloud.open().volumes.export(export_request())
    assert (answer.image_id, answer.status, answer.size_gib) == (IMAGE, "uploading", 40)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (DOWN, LostAnswer),
        (refusal(500, {"error": {"code": "EVS.5500", "message": "x"}}), LostAnswer),
        (refusal(504, {}), LostAnswer),
        (Answer(202, b""), LostAnswer),
        (HTML, LostAnswer),
        (json_answer(202, {"other": {}}), LostAnswer),
        (json_answer(202, accepted(image_id=None)), LostAnswer),
        (json_answer(202, accepted(size="many")), LostAnswer),
        (refusal(503, {}), Throttled),
        (refusal(400, {"badRequest": {"message": "status must be available"}}), Refused),
        (refusal(403, {"error": {"code": "EVS.2144", "message": "frozen"}}), Refused),
        (refusal(404, {"itemNotFound": {"message": "x"}}), NotFound),
        (Answer(404, b"<html>"), CloudUnavailable),
        (Answer(307, b"", {"Location": "http://127.0.0.1:1/"}), CloudUnavailable),
        (Answer(300, b"{}"), CloudUnavailable),
    ],
)
def test_an_export_is_sent_once_whatever_the_answer(
    cloud: ScriptedCloud, answer: Answer, kind: type[CloudError]
) -> None:
    cloud.script("POST", ACTION, answer)
    volumes = cloud.open().volumes
    with pytest.raises(CloudError) as caught:
        volumes.export(export_request())
    assert type(caught.value) is kind
    assert cloud.paths("POST").count(ACTION) == 1


TURNED_AWAY = [
    THROTTLED,
    refusal(429, {"error_code": "APIGW.0308", "error_msg": "slow down"}),
    Answer(429, b"<html>"),
    refusal(413, {"overLimit": {"code": 413, "message": "x", "retryAfter": "3"}}),
    refusal(400, {"error": {"code": "IMG.0060", "message": "x"}}),
]


@pytest.mark.parametrize("answer", TURNED_AWAY)
def test_an_export_that_was_turned_away_for_its_pace_has_another_turn(
    cloud: ScriptedCloud, answer: Answer
) -> None:
    """Nothing was done about it yet: it is as if it had waited a little longer."""
    cloud.script("POST", ACTION, answer, answer, json_answer(202, accepted()))
    assert cloud.open().volumes.export(export_request()).image_id == IMAGE
    assert cloud.paths("POST").count(ACTION) == 3


def test_an_export_whose_second_turn_may_have_been_carried_out_has_no_third(
    cloud: ScriptedCloud,
) -> None:
    cloud.script("POST", ACTION, THROTTLED, DOWN, json_answer(202, accepted()))
    volumes = cloud.open().volumes
    with pytest.raises(LostAnswer):
        volumes.export(export_request())
    assert cloud.paths("POST").count(ACTION) == 2


@pytest.mark.parametrize("answer", TURNED_AWAY)
def test_turns_end_within_half_a_minute(cloud: ScriptedCloud, answer: Answer) -> None:
    """A run has little time left when it sends its last exports."""
    cloud.script("POST", ACTION, answer)
    volumes = cloud.open().volumes
    before = cloud.clock.monotonic()
    with pytest.raises(Throttled):
        volumes.export(export_request())
    assert cloud.clock.monotonic() - before <= 30
    assert 2 <= cloud.paths("POST").count(ACTION) <= 8


def test_an_export_that_alone_is_turned_away_does_not_go_on_while_others_pass(
    cloud: ScriptedCloud,
) -> None:
    """What passes meanwhile keeps the pauses short, and would let it try for long."""
    opened = cloud.open()
    cloud.script("GET", VOLUME_PATH, VOLUME_ANSWER)

    def refuse_but_let_others_pass(_: Request) -> Answer:
        assert opened.volumes.get(VOLUME) is not None
        return Answer(429)

    cloud.script("POST", ACTION, refuse_but_let_others_pass)
    before = cloud.clock.monotonic()
    with pytest.raises(Throttled):
        opened.volumes.export(export_request())
    assert cloud.paths("POST").count(ACTION) == 8
    assert cloud.clock.monotonic() - before <= 7 * 1.5 * 0.25 + 0.1


@pytest.mark.parametrize("talk", [hang_up, half_an_answer, no_http, wrong_gzip])
def test_an_export_without_a_readable_answer_may_have_been_carried_out(
    cloud: ScriptedCloud, talk: Callable[[socket.socket], None]
) -> None:
    with raw_server(talk) as url:
        volumes = cloud.open(endpoints={"block_storage": url}).volumes
        with pytest.raises(LostAnswer, match="no answer"):
            volumes.export(export_request())


def test_an_export_that_is_answered_too_late_may_have_been_carried_out(
    cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.1)
    waiting = threading.Event()
    with raw_server(lambda _: waiting.wait(5) and None) as url:
        volumes = cloud.open(endpoints={"block_storage": url}).volumes
        with pytest.raises(LostAnswer, match="no answer"):
            volumes.export(export_request())
        waiting.set()


def test_an_export_that_found_no_connection_was_not_carried_out(cloud: ScriptedCloud) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    volumes = cloud.open(endpoints={"block_storage": f"http://127.0.0.1:{port}"}).volumes
    with pytest.raises(CloudUnavailable, match="no connection: Connection refused") as caught:
        volumes.export(export_request())
    assert type(caught.value) is CloudUnavailable


def test_an_export_whose_connection_is_never_made_was_not_carried_out(
    cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full backlog leaves further connections unanswered."""
    monkeypatch.setattr(wire, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy, socket.socket() as waiting:
        waiting.connect(busy.getsockname())
        url = f"http://127.0.0.1:{busy.getsockname()[1]}"
        volumes = cloud.open(endpoints={"block_storage": url}).volumes
        with pytest.raises(CloudUnavailable, match="no connection") as caught:
            volumes.export(export_request())
    assert type(caught.value) is CloudUnavailable


def test_an_export_whose_token_call_got_no_answer_was_not_carried_out(
    cloud: ScriptedCloud,
) -> None:
    volumes = cloud.open().volumes
    cloud.script("POST", ACTION, UNAUTHORIZED)
    cloud.tokens(Answer(201, b"nope", {"Content-Encoding": "gzip"}))
    with pytest.raises(CloudUnavailable) as caught:
        volumes.export(export_request())
    assert type(caught.value) is CloudUnavailable
    assert cloud.paths("POST").count(ACTION) == 1


def test_after_a_401_the_export_has_a_new_token(cloud: ScriptedCloud) -> None:
    cloud.script("POST", ACTION, UNAUTHORIZED, json_answer(202, accepted()))
    assert cloud.open().volumes.export(export_request()).image_id == IMAGE
    tokens = [each.header("X-Auth-Token") for each in cloud.seen if each.path == ACTION]
    assert len(set(tokens)) == 2


# --- reads


@pytest.mark.parametrize("passing", [DOWN, HTML, refusal(503, {}), THROTTLED, Answer(200, b"[]")])
def test_a_read_is_tried_again_after_what_may_pass(cloud: ScriptedCloud, passing: Answer) -> None:
    cloud.script("GET", VOLUME_PATH, passing, passing, VOLUME_ANSWER)
    volume = cloud.open().volumes.get(VOLUME)
    assert volume is not None
    assert len(cloud.paths("GET")) == 3


@pytest.mark.parametrize(
    ("lasting", "kind", "tries"),
    [
        (DOWN, CloudUnavailable, 4),
        (THROTTLED, Throttled, 6),
        (Answer(404, b"<html>"), CloudUnavailable, 4),
        (refusal(403, {"error": {"code": "EVS.2056", "message": "no"}}), Refused, 1),
        (json_answer(200, {"volume": {"id": VOLUME}}), CloudUnavailable, 1),
        (json_answer(200, {"volume": volume_document(id="other")}), CloudUnavailable, 1),
    ],
)
def test_a_read_gives_up_after_a_few_times(
    cloud: ScriptedCloud, lasting: Answer, kind: type[CloudError], tries: int
) -> None:
    cloud.script("GET", VOLUME_PATH, lasting)
    volumes = cloud.open().volumes
    with pytest.raises(CloudError) as caught:
        volumes.get(VOLUME)
    assert type(caught.value) is kind
    assert len(cloud.paths("GET")) == tries


def test_the_waits_between_reads_grow(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, DOWN)
    volumes = cloud.open().volumes
    with pytest.raises(CloudUnavailable):
        volumes.get(VOLUME)
    first, second, third = [seconds for seconds in cloud.clock.slept if seconds > 0.1]
    assert 0.5 <= first <= 1 <= second <= 2 <= third <= 4


def test_a_throttled_read_waits_as_long_as_the_cloud_says(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, THROTTLED, VOLUME_ANSWER)
    volumes = cloud.open().volumes
    before = cloud.clock.monotonic()
    assert volumes.get(VOLUME) is not None
    assert cloud.clock.monotonic() - before == pytest.approx(5, abs=0.1)


def test_a_pause_holds_for_every_call_of_the_cloud(cloud: ScriptedCloud) -> None:
    cloud.script("POST", ACTION, refusal(503, {}, Retry_After="5"))
    cloud.script("GET", IMAGE_PATH, json_answer(200, image_document()))
    opened = cloud.open()
    with pytest.raises(Throttled):
        opened.volumes.export(export_request())
    before = cloud.clock.monotonic()
    assert opened.images.get(IMAGE) is not None
    assert cloud.clock.monotonic() - before == pytest.approx(5, abs=0.1)


def test_a_cloud_that_asks_for_a_long_pause_is_left_alone(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, refusal(429, {}, Retry_After="3600"))
    volumes = cloud.open().volumes
    with pytest.raises(Throttled) as caught:
        volumes.get(VOLUME)
    assert caught.value.retry_after == pytest.approx(3600, abs=1)
    assert len(cloud.paths("GET")) == 1


def test_a_lost_read_is_only_unavailable(cloud: ScriptedCloud) -> None:
    with raw_server(hang_up) as url:
        volumes = cloud.open(endpoints={"block_storage": url}).volumes
        with pytest.raises(CloudUnavailable) as caught:
            volumes.get(VOLUME)
    assert type(caught.value) is CloudUnavailable


@pytest.mark.parametrize(
    "trouble",
    [UNAUTHORIZED, OLD_TOKEN]
    + [
        refusal(401, {"error_code": code, "error_msg": "x"})
        for code in ("APIGW.0301", "APIGW.0307")
    ],
)
def test_a_read_refused_for_its_token_gets_one_new_token(
    cloud: ScriptedCloud, trouble: Answer
) -> None:
    cloud.script("GET", VOLUME_PATH, trouble, VOLUME_ANSWER)
    assert cloud.open().volumes.get(VOLUME) is not None
    assert len(cloud.paths("POST")) == 2
    cloud.script("GET", VOLUME_PATH, trouble)
    volumes = cloud.open().volumes
    before = len(cloud.paths("GET"))
    with pytest.raises(CredentialError) as caught:
        volumes.get(VOLUME)
    assert not caught.value.refused
    assert len(cloud.paths("GET")) - before == 2


def test_threads_whose_token_was_refused_share_one_new_one(cloud: ScriptedCloud) -> None:
    together = threading.Barrier(4)
    refused = iter(range(4))

    def refuse_the_first_four(request: Request) -> Answer:
        if request.header("X-Auth-Token") == "canary-token-1" and next(refused, None) is not None:
            together.wait(timeout=5)
            return UNAUTHORIZED
        return VOLUME_ANSWER

    cloud.script("GET", VOLUME_PATH, refuse_the_first_four)
    volumes = cloud.open().volumes
    threads = [threading.Thread(target=volumes.get, args=(VOLUME,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cloud.paths("POST")) == 2


def test_an_answer_that_is_too_long_is_not_read(
    cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LARGEST_ANSWER_BYTES", 100_000)
    bomb = gzip.compress(b" " * 10_000_000)
    cloud.script("GET", VOLUME_PATH, Answer(200, bomb, {"Content-Encoding": "gzip"}))
    volumes = cloud.open().volumes
    with pytest.raises(CloudUnavailable, match="too long or too slow"):
        volumes.get(VOLUME)


def test_an_answer_that_never_ends_is_left(
    cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "WHOLE_ANSWER_SECONDS", -1.0)
    cloud.script("POST", ACTION, json_answer(202, accepted()))
    with pytest.raises(CloudUnavailable, match="too long or too slow"):
        cloud.open()


def test_no_redirect_is_followed(cloud: ScriptedCloud) -> None:
    elsewhere = Answer(307, b"", {"Location": f"{cloud.url}/elsewhere"})
    cloud.script("GET", VOLUME_PATH, elsewhere)
    volumes = cloud.open().volumes
    with pytest.raises(CloudUnavailable, match="redirect, and none is followed"):
        volumes.get(VOLUME)
    cloud.tokens(elsewhere)
    with pytest.raises(CloudUnavailable, match="redirect, and none is followed"):
        cloud.open()
    assert "/elsewhere" not in [request.path for request in cloud.seen]


# --- deletions


def test_a_deletion_is_one_request(cloud: ScriptedCloud) -> None:
    cloud.script("DELETE", IMAGE_PATH, Answer(204), refusal(404, {"message": "no such image"}))
    images = cloud.open().images
    assert images.delete(IMAGE) is True
    assert images.delete(IMAGE) is False
    assert len(cloud.paths("DELETE")) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "tries"),
    [
        (refusal(403, {"message": "protected", "code": "403 Forbidden"}), Refused, 1),
        (refusal(409, {"message": "in use", "code": "409 Conflict"}), Refused, 1),
        (refusal(400, {"error": {"code": "IMG.0090", "message": "creating"}}), Refused, 1),
        (DOWN, LostAnswer, 1),
        (HTML, LostAnswer, 1),
        (Answer(404, b"<html>"), CloudUnavailable, 1),
        (refusal(503, {}), Throttled, 1),
        (UNAUTHORIZED, CredentialError, 2),
    ],
)
def test_a_deletion_that_failed_says_how(
    cloud: ScriptedCloud, answer: Answer, kind: type[CloudError], tries: int
) -> None:
    cloud.script("DELETE", IMAGE_PATH, answer)
    images = cloud.open().images
    with pytest.raises(CloudError) as caught:
        images.delete(IMAGE)
    assert type(caught.value) is kind
    assert len(cloud.paths("DELETE")) == tries


def test_a_deletion_and_a_tag_that_were_turned_away_have_another_turn(
    cloud: ScriptedCloud,
) -> None:
    tag = f"{IMAGE_PATH}/tags/vi-pin"
    cloud.script("DELETE", IMAGE_PATH, THROTTLED, Answer(204))
    cloud.script("PUT", tag, THROTTLED, Answer(204))
    images = cloud.open().images
    assert images.delete(IMAGE) is True
    images.pin(IMAGE)
    assert (len(cloud.paths("DELETE")), len(cloud.paths("PUT"))) == (2, 2)


@pytest.mark.parametrize("code", ["IMG.0027", "IMG.0086", "IMG.0144"])
def test_ims_says_400_for_an_image_that_is_gone(cloud: ScriptedCloud, code: str) -> None:
    cloud.script("DELETE", IMAGE_PATH, refusal(400, {"error": {"code": code, "message": "x"}}))
    assert cloud.open().images.delete(IMAGE) is False


def test_a_deletion_that_was_not_answered_is_lost(cloud: ScriptedCloud) -> None:
    with raw_server(hang_up) as url:
        images = cloud.open(endpoints={"image": url}).images
        with pytest.raises(LostAnswer):
            images.delete(IMAGE)


# --- the clock


def test_the_skew_is_the_newest_answers_date_against_our_clock(cloud: ScriptedCloud) -> None:
    opened = cloud.open()
    assert opened.clock_skew() == timedelta(0)
    later = (NOW + timedelta(hours=7)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    page = json_answer(200, {"images": []}, Date=later)
    cloud.script("GET", IMAGES_PATH, page, json_answer(200, {"images": []}, Date="today"))
    opened.images.all()
    assert abs(opened.clock_skew() - timedelta(hours=7)) < timedelta(seconds=1)
    opened.images.all()
    assert abs(opened.clock_skew() - timedelta(hours=7)) < timedelta(seconds=1)
