"""The valid documents that the fuzzer spoils: each uses all that its format knows."""

import json
from pathlib import Path
from typing import Any

EVENTS_FOLDER = Path(__file__).parents[2] / "events"
DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"
PROJECT = "0123456789abcdef0123456789abcdef"
PASSWORD = "canary-password-7c1f"

CONFIG: dict[str, Any] = {
    "version": 1,
    "prefix": "acme-prod",
    "former_prefixes": ["acme"],
    "clouds": {
        "otc": {
            "dialect": "huawei",
            "region": "eu-de",
            "project": "eu-de_backup",
            "endpoints": {"block_storage": "https://evs.eu-de.otc.t-systems.com/v2"},
            "strategy": "volume_upload",
            "max_in_flight": 20,
            "max_concurrency": 16,
            "requests_per_second": 10,
            "image_quota": 100,
            "export_minutes": 10,
        }
    },
    "policies": {
        "daily": {
            "select": {"backup": ["daily", "weekly"]},
            "exclude": {"lifecycle": "scratch"},
            "schedule": "0 2 * * *",
            "timezone": "Europe/Berlin",
            "catch_up": "12h",
            "export": {"disk_format": "zvhd2", "os_type": "linux", "force": False},
            "retention": {"keep_last": 1, "keep_daily": 7, "keep_within": "1m", "min_keep": 1},
            "requests": {"keep_last": 3, "min_interval": "1h"},
            "formerly": ["nightly"],
            "max_age": "40h",
        }
    },
    "volumes": [{"id": DB, "cloud": "otc", "name": "db01", "tags": {"backup": "daily"}}],
    "discover": [{"cloud": "otc", "tags": {"backup": ["daily"]}}],
    "orphans": {"after": "90d", "keep": 1},
    "grace": "72h",
    "former_deployments": ["0123456789ab"],
}

_AT = {"auth_url": "https://iam.eu-de.otc.t-systems.com/v3", "hosts": ["evs.example.com"]}
SECRETS: tuple[dict[str, Any], ...] = (
    {**_AT, "username": "exporter", "password": PASSWORD, "domain": "acme"},
    {
        **_AT,
        "username": "exporter",
        "password": PASSWORD,
        "domain": "acme",
        "agency": {"name": "backup", "domain": "customer"},
    },
    {
        **_AT,
        "application_credential_id": PROJECT,
        "application_credential_secret": PASSWORD,
    },
    {**_AT, "access_key": "EXAMPLEKEY", "secret_key": PASSWORD, "security_token": PASSWORD},
)

EVENTS: tuple[Any, ...] = (
    *(json.loads(path.read_text()) for path in sorted(EVENTS_FOLDER.glob("*.json"))),
    {},
    {"scheduled_time": "2026-03-10T02:00:00Z", "policies": ["daily"], "dry_run": False},
    {"volume_ids": [DB], "policies": ["daily"]},
)

_GROUP = f"daily/{DB}"
_SLOT = "2026-03-09T01:00:00Z"
_NAME = f"acme-prod_daily_db01_{DB}_20260309T010000Z"
EXPORT_STATE: dict[str, Any] = {
    "version": 1,
    "deployment": "0123456789ab",
    "mark": {"run_id": "20260309T010500Z-0123456789abcdef", "counter": 3},
    "next_look": "2026-03-10T01:00:00Z",
    "config_version": "1",
    "paused_until": "2026-03-09T03:00:00Z",
    "refused_secret": "v1",
    "refused_secret_at": "2026-03-09T00:00:00Z",
    "served_at": "2026-03-09T02:00:00Z",
    "schedules": {"daily": "0 2 * * * Europe/Berlin"},
    "discovered": {WEB: {"name": "web01", "tags": {"backup": "daily"}}},
    "records": {
        _GROUP: {
            "accounted_until": "2026-03-08T01:00:00Z",
            "newest_good": {
                "slot": "2026-03-08T01:00:00Z",
                "image_id": "good",
                "created_at": "2026-03-08T01:03:00Z",
            },
            "failures": 2,
            "failed_at": "2026-03-09T01:30:00Z",
            "failure": "failed",
            "refusal": {"reason": "r", "facts": "f", "config_version": "1", "at": _SLOT},
            "unanswered_at": "2026-03-09T01:40:00Z",
            "posts_slot": _SLOT,
            "posts": 2,
            "said": "20260309T010000Z failed",
        }
    },
    "under_way": {
        _NAME: {
            "group": _GROUP,
            "slot": _SLOT,
            "image_name": _NAME,
            "run_id": "20260309T010500Z-0123456789abcdef",
            "intended_at": "2026-03-09T01:50:00Z",
            "deadline": "2026-03-09T03:30:00Z",
            "image_id": "pending",
            "job_id": "",
        }
    },
    "stuck": {
        "stuck": {
            "group": _GROUP,
            "slot": "2026-03-07T01:00:00Z",
            "image_name": f"acme-prod_daily_db01_{DB}_20260307T010000Z",
            "found_at": "2026-03-07T05:00:00Z",
        }
    },
    "unmarked": {"good": {"group": _GROUP, "slot": "2026-03-08T01:00:00Z", "since": _SLOT}},
    "waiting": {
        f"daily.request/{DB}@20260309T120000Z": {
            "group": f"daily.request/{DB}",
            "slot": "2026-03-09T12:00:00Z",
        }
    },
    "missed": {
        f"{_GROUP}@20260306T010000Z": {
            "group": _GROUP,
            "slot": "2026-03-06T01:00:00Z",
            "reason": "catch_up",
        }
    },
}

CLEANUP_STATE: dict[str, Any] = {
    "version": 1,
    "deployment": "0123456789ab",
    "mark": {"run_id": "20260309T010500Z-0123456789abcdef", "counter": 3},
    "refused_secret": "v1",
    "refused_secret_at": "2026-03-09T00:00:00Z",
    "groups": {
        f"{PROJECT}/{_GROUP}": {
            "judged": {"at": "2026-03-09T20:00:00Z", "digest": "d", "config_version": "1"},
            "announced": {"old": {"since": "2026-03-05T00:00:00Z", "reason": "keep_last"}},
            "failed_since": {"failed": "2026-03-08T00:00:00Z"},
            "results": {"odd": "unknown"},
            "orphan_since": "2026-01-01T00:00:00Z",
            "all_ours": True,
            "forgotten_at": "2026-03-01T00:00:00Z",
            "adopted": {"odd": "2026-03-02T00:00:00Z"},
        }
    },
    "series": {_GROUP: {"first_seen": "2026-01-01T00:00:00Z", "newest_slot": _SLOT}},
    "volumes": {
        DB: {
            "zone": "eu-de-01",
            "volume_type": "SSD",
            "size_gib": 40,
            "server_id": "s",
            "device": "/dev/vda",
            "encrypted": False,
        }
    },
}


def _image(image_id: str, day: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": image_id,
        "name": f"acme-prod_daily_db01_{DB}_202603{day:02}T010000Z",
        "status": "active",
        "owner": PROJECT,
        "created_at": f"2026-03-{day:02}T01:03:00Z",
        "disk_format": "raw",
        "virtual_size": 42949672960,
        "size": 42949672960,
        "min_disk": 40,
        "protected": False,
        "tags": ["vi-0123456789ab"],
        "os_hash_value": "abc",
        "os_hash_algo": "sha512",
        "checksum": "abc",
        **changes,
    }


def _volume(volume_id: str, name: str) -> dict[str, Any]:
    return {
        "id": volume_id,
        "name": name,
        "status": "available",
        "size": 40,
        "metadata": {"backup": "daily"},
        "tags": {"backup": "daily"},
        "availability_zone": "eu-de-01",
        "volume_type": "SSD",
        "attachments": [{"server_id": "s", "device": "/dev/vda"}],
        "encrypted": "false",
    }


_IMAGES = [
    _image("good", 8),
    _image("old", 1),
    _image("older", 2),
    _image("pending", 9, status="saving", virtual_size=None, size=None),
    _image("failed", 7, status="killed"),
]
_VOLUMES = [_volume(DB, "db01"), _volume(WEB, "web01")]
OPENSTACK_ANSWER: dict[str, Any] = {
    "images": _IMAGES,
    "next": "/v2/images?marker=failed",
    "volumes": _VOLUMES,
    "volumes_links": [{"rel": "next", "href": "https://x/volumes?marker=1"}],
}
HUAWEI_ANSWER: dict[str, Any] = {
    "images": [
        {**image, "__image_size": "42949672960", "tags": ["vi-deployment=0123456789ab"]}
        for image in _IMAGES
    ],
    "count": 2,
    "volumes": _VOLUMES,
}

REFUSALS: tuple[dict[str, Any], ...] = (
    {"error_code": "EVS.5404", "error_msg": "volume not found", "request_id": "r-1"},
    {"itemNotFound": {"code": 404, "message": "no such volume"}},
    {"overLimit": {"code": 413, "message": "slow down", "retryAfter": "12"}},
    {"error": {"code": 401, "message": f"token {PASSWORD} refused", "title": "Unauthorized"}},
    {"errorCode": "IMG.0060", "errorMsg": "busy"},
)

CLOUDS_YAML: dict[str, Any] = {
    "clouds": {
        "otc": {
            "auth": {
                "auth_url": "https://iam.eu-de.otc.t-systems.com/v3",
                "username": "exporter",
                "password": PASSWORD,
                "user_domain_name": "acme",
            },
            "auth_type": "password",
            "region_name": "eu-de",
            "hosts": ["evs.example.com"],
        }
    }
}

NAMES = (
    _NAME,
    f"acme_daily.request__{DB}_20260302T020000Z",
    f"a.b-c_weekly_x_y_z._{WEB}_20240229T235959Z",
)
