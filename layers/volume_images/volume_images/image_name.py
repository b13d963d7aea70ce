"""Spell and parse image names; the only place that knows their format.

    {prefix}_{policy}_{label}_{volume id}_{slot}
    acme-prod_daily_db01-data_16369c5d-384d-4e64-b37a-56d898769362_20260302T010000Z

Names are the ledger of what was exported: they are found again by spelling, so one spelling only
stands for each name. Neither prefix nor policy holds an underscore, so that however wild the label,
nothing in it can be taken for another part.
"""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from volume_images.model import GroupKey

YEARS = range(1970, 9000)  # times are reckoned from a slot: the calendar has room around these
MAX_LENGTH = 128  # what the export call of Huawei Cloud EVS takes as `image_name`
PREFIX_PATTERN = r"[A-Za-z0-9.-]{1,20}"
POLICY_PATTERN = r"[a-z0-9-]{1,24}"
VOLUME_ID_PATTERN = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_REQUEST = ".request"
_NAME = re.compile(
    rf"(?P<prefix>{PREFIX_PATTERN})"
    rf"_(?P<policy>{POLICY_PATTERN})(?:\.request)?"
    r"_[A-Za-z0-9._-]*"
    rf"_(?P<volume_id>{VOLUME_ID_PATTERN})"
    r"_[0-9]{8}T[0-9]{6}Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageName:
    """The name of one image. Raises ValueError for parts that would not parse back to themselves.

    `label` is for people only, and may be empty: nothing is ever decided from it.
    """

    prefix: str
    policy: str
    requested: bool
    label: str
    volume_id: str
    slot: datetime
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = self._spelled()
        object.__setattr__(self, "_text", text)  # written once: a million of them are read back
        if self.slot.utcoffset() != timedelta(0) or self.slot.microsecond:
            raise ValueError(f"{text!r}: a slot is a whole second in UTC, not {self.slot!r}")
        if self.slot.year not in YEARS:
            raise ValueError(f"{text!r}: no slot lies in the year {self.slot.year}")
        if len(text) > MAX_LENGTH:
            raise ValueError(f"{text!r}: longer than {MAX_LENGTH} characters")
        match = _NAME.fullmatch(text)
        parts = (self.prefix, self.policy, self.volume_id)
        if not match or match.group("prefix", "policy", "volume_id") != parts:
            raise ValueError(f"{text!r}: not a name that parses back to its parts")

    def __str__(self) -> str:
        return self._text

    @property
    def group(self) -> GroupKey:
        """The group as spelled; a policy that was renamed since has another one today."""
        return GroupKey(self.policy, self.requested, self.volume_id)

    @classmethod
    def parse(cls, text: str) -> "ImageName | None":
        """Read a name back; None for any text that `str` would not have written."""
        if len(text) > MAX_LENGTH:
            return None
        rest, _, slot = text.rpartition("_")
        rest, _, volume_id = rest.rpartition("_")
        prefix, _, rest = rest.partition("_")
        segment, _, label = rest.partition("_")
        policy, request, _ = segment.partition(_REQUEST)
        try:
            name = cls(
                prefix=prefix,
                policy=policy,
                requested=bool(request),
                label=label,
                volume_id=volume_id,
                slot=datetime.fromisoformat(slot),
            )
        except ValueError:  # no parts of a name, or digits that are no date
            return None
        return name if str(name) == text else None

    def _spelled(self) -> str:
        # Not strftime: it writes the years before 1000 with fewer than four digits.
        slot = self.slot.isoformat(timespec="seconds")[:19].replace("-", "").replace(":", "")
        return f"{self.prefix}_{self.group.policy_segment}_{self.label}_{self.volume_id}_{slot}Z"


def name_for(group: GroupKey, *, prefix: str, human_name: str, slot: datetime) -> ImageName:
    """Name the export of a slot, with as much of the volume's human name as there is room for."""
    bare = ImageName(
        prefix=prefix,
        policy=group.policy,
        requested=group.requested,
        label="",
        volume_id=group.volume_id,
        slot=slot,
    )
    return replace(bare, label=safe_label(human_name, MAX_LENGTH - len(str(bare))))


def safe_label(human_name: str, room: int) -> str:
    """Turn any text into a label of at most `room` characters; what cannot be said becomes `-`."""
    plain = unicodedata.normalize("NFKD", human_name)
    unaccented = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", unaccented)[:room].strip("-")
