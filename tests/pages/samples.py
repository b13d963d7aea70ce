"""Forecasts and pages to look at: a daily, an hourly and a weekly policy."""

import json
from datetime import UTC, datetime

from volume_images.config.schema import Config, parse_config
from volume_images.forecast import Fleet, Forecast, Rival, forecast
from volume_images.pages.simulation import simulation_page
from volume_images.simulate import Span

START = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = "</script><img src=x onerror=alert(1)> {{ 7 * 7 }} &amp; it's.yaml"


def config(keep_hours: int | str = 24, keep_days: int = 7) -> Config:
    policies = {
        "daily": {
            "select": {"backup": "daily"},
            "schedule": "0 2 * * *",
            "timezone": "Europe/Berlin",
            "retention": {"keep_daily": keep_days, "keep_weekly": 5, "keep_monthly": 12},
        },
        "hourly": {
            "select": {"backup": "hourly"},
            "schedule": "30 * * * *",
            "retention": {"keep_hourly": keep_hours},
        },
        "weekly": {
            "select": {"backup": "weekly"},
            "schedule": "0 5 * * 0",
            "timezone": "America/New_York",
            "retention": {"keep_weekly": 4, "keep_yearly": 3},
        },
    }
    document = {
        "prefix": "acme",
        "clouds": {
            "otc": {
                "dialect": "huawei",
                "region": "eu-de",
                "project": "backup",
                "image_quota": 60,
            }
        },
        "policies": policies,
        "volumes": [
            {"id": f"16369c5d-384d-4e64-b37a-56d89876936{place}", "cloud": "otc", "tags": tags}
            for place, tags in enumerate([{"backup": "daily"}, {"backup": "hourly"}])
        ],
    }
    return parse_config(json.dumps(document).encode(), "config.yaml")


def forecast_of(
    *,
    source: str = "config.yaml",
    days: int = 398,
    keep_hours: int | str = 24,
    against: bool = False,
    same: bool = False,
    rival: str = "daily of new.yaml",
) -> Forecast:
    ours = config(keep_hours)
    other = ours if same else config(keep_hours, keep_days=14)
    rivals = {"daily": Rival(rival, other.policies["daily"], other.grace)} if against else None
    return forecast(
        ours,
        source=source,
        span=Span(START, days),
        fleet=Fleet(size_gib=40),
        against="new.yaml" if against else "",
        rivals=rivals,
    )


def page_of(**how: object) -> str:
    return simulation_page(forecast_of(**how))
