"""The same exports by other clients, as their documentation shows them: a loop, or threads.

Run with .tools/peers/bin/python, which knows nothing of this project. huaweicloudsdkevs has no
call that exports a volume any more: one of the same shape stands in for it, and is signed.
"""
# ruff: noqa: PLC0415 - each peer is loaded alone

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Pairs = list[list[str]]

THREADS = 32


def openstacksdk(given: dict[str, Any], pairs: Pairs) -> int:
    import openstack

    cloud = openstack.connection.Connection(
        region_name=given["region"],
        app_name="benchmark",
        auth=_auth(given),
        cacert=given["ca"],
    )
    for volume, name in pairs:
        cloud.block_storage.upload_volume_to_image(
            volume, name, disk_format="qcow2", container_format="bare"
        )
    return len(pairs)


def cinderclient(given: dict[str, Any], pairs: Pairs) -> int:
    from cinderclient import client
    from keystoneauth1.identity import v3
    from keystoneauth1.session import Session

    session = Session(auth=v3.Password(**_auth(given)), verify=given["ca"])
    cinder = client.Client("3", session=session, region_name=given["region"])
    for volume, name in pairs:
        cinder.volumes.upload_to_image(
            volume, force=False, image_name=name, container_format="bare", disk_format="qcow2"
        )
    return len(pairs)


def huawei(given: dict[str, Any], pairs: Pairs) -> int:
    from huaweicloudsdkevs.v2 import EvsClient

    client = _huawei(given, EvsClient)
    return sum(client.resize_volume(one).job_id != "" for one in _resizes(pairs))


def huawei_threads(given: dict[str, Any], pairs: Pairs) -> int:
    from huaweicloudsdkevs.v2 import EvsClient

    client = _huawei(given, EvsClient)
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(one.job_id != "" for one in pool.map(client.resize_volume, _resizes(pairs)))


def huawei_async(given: dict[str, Any], pairs: Pairs) -> int:
    from huaweicloudsdkevs.v2 import EvsAsyncClient

    client = _huawei(given, EvsAsyncClient)
    asked = [client.resize_volume_async(one) for one in _resizes(pairs)]
    return sum(one.result().job_id != "" for one in asked)


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

PEERS: dict[str, Callable[[dict[str, Any], Pairs], int]] = {
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
    done = PEERS[options.peer](site, site["exports"])
    took = {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu}
    sys.stdout.write(json.dumps(took))
    sys.exit(0 if done == len(site["exports"]) else 1)
