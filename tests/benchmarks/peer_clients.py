"""The same exports by other clients, as their documentation shows them: a loop, or threads.

Run with .tools/peers/bin/python, which knows nothing of this project. huaweicloudsdkevs has no
call that exports a volume any more: one of the same shape stands in for it, and is signed. Every
export is asked for once; what it raised is counted, and the others go on.
"""
# ruff: noqa: PLC0415 - each peer is loaded alone

import argparse
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

Pairs = list[list[str]]

THREADS = 32


def outcome(ask: Callable[[], object]) -> str:
    """Ask; return what was raised, or nothing."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - whatever the peer lets out is what is counted
        return type(error).__name__
    return ""


def openstacksdk(given: dict[str, Any], pairs: Pairs) -> Iterable[str]:
    import openstack

    cloud = openstack.connection.Connection(
        region_name=given["region"],
        app_name="benchmark",
        auth=_auth(given),
        cacert=given["ca"],
    )
    upload = partial(
        cloud.block_storage.upload_volume_to_image, disk_format="qcow2", container_format="bare"
    )
    return [outcome(partial(upload, volume, name)) for volume, name in pairs]


def cinderclient(given: dict[str, Any], pairs: Pairs) -> Iterable[str]:
    from cinderclient import client
    from keystoneauth1.identity import v3
    from keystoneauth1.session import Session

    session = Session(auth=v3.Password(**_auth(given)), verify=given["ca"])
    cinder = client.Client("3", session=session, region_name=given["region"])
    upload = partial(
        cinder.volumes.upload_to_image,
        force=False,
        container_format="bare",
        disk_format="qcow2",
    )
    return [outcome(partial(upload, volume, image_name=name)) for volume, name in pairs]


def huawei(given: dict[str, Any], pairs: Pairs) -> Iterable[str]:
    from huaweicloudsdkevs.v2 import EvsClient

    resize = _huawei(given, EvsClient).resize_volume
    return [outcome(partial(resize, one)) for one in _resizes(pairs)]


def huawei_threads(given: dict[str, Any], pairs: Pairs) -> Iterable[str]:
    from huaweicloudsdkevs.v2 import EvsClient

    resize = _huawei(given, EvsClient).resize_volume
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda one: outcome(partial(resize, one)), _resizes(pairs)))


def huawei_async(given: dict[str, Any], pairs: Pairs) -> Iterable[str]:
    from huaweicloudsdkevs.v2 import EvsAsyncClient

    client = _huawei(given, EvsAsyncClient)
    asked = [client.resize_volume_async(one) for one in _resizes(pairs)]
    return [outcome(one.result) for one in asked]


def _auth(given: dict[str, Any]) -> dict[str, str]:
    return {
        "auth_url": given["auth_url"],
        "username": given["username"],
        "password": given["password"],
        "user_domain_name": given["domain"],
        "project_name": given["project"],
        "project_domain_name": given["domain"],
    }


def _huawei(given: dict[str, Any], kind: Any) -> Any:  # noqa: ANN401 - either of two clients
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.http.http_config import HttpConfig

    return (
        kind.new_builder()
        .with_http_config(HttpConfig(ssl_ca_cert=given["ca"]))
        .with_credentials(BasicCredentials("access-key", "secret-key", given["project_id"]))
        .with_endpoint(given["auth_url"].removesuffix("/identity/v3"))
        .build()
    )


def _resizes(pairs: Pairs) -> Iterable[Any]:
    from huaweicloudsdkevs.v2 import OsExtend, ResizeVolumeRequest, ResizeVolumeRequestBody

    body = ResizeVolumeRequestBody(os_extend=OsExtend(new_size=2))
    return [ResizeVolumeRequest(volume_id=volume, body=body) for volume, _ in pairs]


IMPORTED = {
    "openstacksdk": "openstack",
    "cinderclient": "cinderclient.v3.client",
    "huawei": "huaweicloudsdkevs.v2",
    "huawei-threads": "huaweicloudsdkevs.v2",
    "huawei-async": "huaweicloudsdkevs.v2",
}

PEERS: dict[str, Callable[[dict[str, Any], Pairs], Iterable[str]]] = {
    "openstacksdk": openstacksdk,
    "cinderclient": cinderclient,
    "huawei": huawei,
    "huawei-threads": huawei_threads,
    "huawei-async": huawei_async,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("peer", choices=PEERS)
    options = parser.parse_args()
    site = json.loads(sys.stdin.read())
    importlib.import_module(IMPORTED[options.peer])
    began, cpu = time.monotonic(), time.process_time()
    outcomes = Counter(PEERS[options.peer](site, site["exports"]))
    took = {
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - cpu,
        "done": outcomes.pop("", 0),
        "raised": outcomes,
    }
    sys.stdout.write(json.dumps(took))
