"""How many examples a property takes that needs, or affords, others than the profile says."""

from hypothesis import settings

AT_NIGHT = 20


def examples(by_day: int) -> settings:
    """Return the settings for so many examples by day, and many times as many at night."""
    is_night = settings.get_current_profile_name() == "night"
    return settings(max_examples=by_day * (AT_NIGHT if is_night else 1))
