"""A forecast as a document for scripts."""

from datetime import datetime, timedelta
from typing import Any

from volume_images.forecast import (
    Alternative,
    CloudForecast,
    Forecast,
    PolicyForecast,
    spelled_rules,
)
from volume_images.simulate import Lifetime, Simulation, Span


def forecast_document(forecast: Forecast) -> dict[str, Any]:
    """Return the whole forecast; counts of a policy are those of one volume, GiB those of all."""
    return {
        "config": forecast.source,
        "against": forecast.against or None,
        "from": str(forecast.span.date_of(0)),
        "days": forecast.span.days,
        "grace_hours": forecast.grace / timedelta(hours=1),
        "policies": [_policy_document(policy) for policy in forecast.policies],
        "clouds": [_cloud_document(cloud, forecast.span) for cloud in forecast.clouds],
        "notes": list(forecast.notes),
    }


def _policy_document(policy: PolicyForecast) -> dict[str, Any]:
    other = policy.against
    return {
        "policy": policy.name,
        "schedule": policy.policy.schedule,
        "timezone": policy.policy.timezone,
        "retention": spelled_rules(policy.policy),
        "volumes": dict(policy.volumes),
        **_simulation_document(policy.simulation),
        "gib": policy.gib_of(policy.simulation.last.images),
        "long_run": {
            "images": policy.steady.most,
            "reach_hours": policy.steady.reach / timedelta(hours=1),
            "still_grows": policy.steady.still_grows,
        },
        "over_time": [
            {
                "day": str(policy.simulation.span.date_of(day)),
                "kept": end.kept,
                "announced": end.announced,
                "gib": policy.gib_of(end.images),
                "oldest": _instant(end.oldest),
            }
            for day, end in enumerate(policy.simulation.day_ends)
        ],
        "images": [_image(image, policy.simulation.span) for image in policy.simulation.images],
        "against": None if other is None else _alternative_document(other),
    }


def _alternative_document(other: Alternative) -> dict[str, Any]:
    difference = other.difference
    return {
        "policy": other.rival.name,
        "retention": spelled_rules(other.rival.policy),
        **_simulation_document(other.simulation),
        "lost": list(map(_instant, difference.lost)),
        "gained": list(map(_instant, difference.gained)),
        "shorter": list(map(_instant, difference.shorter)),
        "longer": list(map(_instant, difference.longer)),
    }


def _simulation_document(simulation: Simulation) -> dict[str, Any]:
    return {
        "kept": simulation.last.kept,
        "announced": simulation.last.announced,
        "oldest": _instant(simulation.last.oldest),
        "most": {
            "images": simulation.most,
            "day": str(simulation.span.date_of(simulation.fullest_day)),
        },
    }


def _image(image: Lifetime, span: Span) -> dict[str, Any]:
    return {
        "slot": _instant(image.slot),
        "expired": None if image.expired is None else str(span.date_of(image.expired)),
        "gone": None if image.gone is None else str(span.date_of(image.gone)),
        "reasons": list(image.reasons),
    }


def _cloud_document(cloud: CloudForecast, span: Span) -> dict[str, Any]:
    most = max(cloud.images)
    return {
        "cloud": cloud.name,
        "quota": cloud.quota,
        "most": {"images": most, "day": str(span.date_of(cloud.images.index(most)))},
        "long_run": {
            "images": cloud.need.images,
            "kept": cloud.need.kept,
            "announced": cloud.need.announced,
            "requested": cloud.need.requested,
            "pending": cloud.need.pending,
        },
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
