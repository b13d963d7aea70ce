"""A proposal -> the text of a config, with a comment wherever somebody should think."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent, wrap

import yaml
from pydantic import BaseModel

from volume_images.model import Volume
from volume_images.proposal.fitting import HOUR, Proposal
from volume_images.proposal.grouping import Group

_WIDTH = 88
_MOST_NAMED = 5


def write_proposal(proposal: Proposal, refused: Mapping[str, Sequence[Volume]]) -> str:
    """Write the config. `refused` are the volumes that the cloud would not export, by reason."""
    config = proposal.config
    name = proposal.survey.name
    lines = [
        *_comment(*_opening(proposal)),
        *_comment(*_refusals(refused)),
        "version: 1",
        *_comment("The first part of every image's name: whoever changes it lists it below"),
        *_comment("`former_prefixes`, or the old images belong to nobody."),
        *_yaml({"prefix": config.prefix}),
        "clouds:",
        *_nested(_yaml({name: _set(config.clouds[name])})),
        "policies:",
    ]
    for group in proposal.grouping.groups:
        lines += _nested(_comment(*_about(group, proposal)))
        lines += _nested(_yaml({group.policy: _set(config.policies[group.policy])}))
    lines += _comment(*_about_finding(proposal))
    lines += _yaml({"discover": [_set(entry) for entry in config.discover]})
    lines += _comment("So long an image stands announced before it is deleted.")
    lines += _yaml(config.model_dump(mode="json", include={"grace"}))
    return "\n".join(lines) + "\n"


def shortage(proposal: Proposal) -> str:
    """Say in one line that the images do not fit; empty when they do."""
    survey = proposal.survey
    if proposal.fits:
        return ""
    return (
        f"{survey.name}: the quota is {survey.quota} images and {survey.images} are there, but"
        f" even these rules need {proposal.needed}: get a larger quota, or protect fewer volumes"
    )


def _opening(proposal: Proposal) -> Iterator[str]:
    survey = proposal.survey
    volumes = survey.volumes
    yield (
        f"Proposed for {survey.name}: {_count(volumes)}, {_size(volumes)} GiB in all,"
        f" {survey.images} images."
    )
    yield "Read it, then: `volume-images config check`, and `volume-images simulate` to look ahead."
    yield ""
    cloud = proposal.config.clouds[survey.name]
    yield (
        f"All exports of one night take about {_hours(proposal)} h, {cloud.max_in_flight} at once"
        f" and {cloud.export_minutes} min each. Nobody measured that: correct export_minutes after"
        " the first nights."
    )
    if survey.quota is None:
        yield (
            f"Once the rules are full there are {proposal.needed} images. The cloud does not tell"
            " its limit: write it as image_quota, and `config check` compares."
        )
    elif proposal.fits:
        yield (
            f"Once the rules are full there are {proposal.needed} images; of the quota"
            f" ({survey.quota}), {survey.quota - survey.images} are free."
        )
    else:
        yield f"IT DOES NOT FIT. {shortage(proposal)}."


def _refusals(refused: Mapping[str, Sequence[Volume]]) -> Iterator[str]:
    for reason, volumes in refused.items():
        names = ", ".join(volume.name or volume.id for volume in volumes[:_MOST_NAMED])
        more = f" and {len(volumes) - _MOST_NAMED} more" if len(volumes) > _MOST_NAMED else ""
        yield f"The exports of {_count(volumes)} will be refused ({reason}): {names}{more}."


def _about(group: Group, proposal: Proposal) -> Iterator[str]:
    key = proposal.grouping.key
    which = "in the cloud"
    if group.value is not None:
        which = f"tagged {key}: {group.value}"
    elif key:
        which = f"without the tag {key}, or with a value of it that few have"
    yield f"{_count(group.volumes)} {which}, {_size(group.volumes)} GiB."
    asked, used = proposal.asked[group.policy], proposal.used[group.policy]
    if asked is not used:
        yield f"{used} images, not {asked} ones: for more, there is no time or no room."
    if proposal.config.policies[group.policy].export.force:
        yield (
            "Some are attached to servers. With force they are exported all the same, and hold"
            " what a volume holds after a power cut; without it they are refused."
        )


def _about_finding(proposal: Proposal) -> Iterator[str]:
    grouping = proposal.grouping
    if any(group.value is None for group in grouping.groups):
        yield "Every volume of the project is looked at, those to come as well."
    else:
        yield f"Every volume has the tag {grouping.key}; without it, one to come has no policy."
    if grouping.opted_out:
        values = ", ".join(grouping.opted_out)
        yield f"No policy covers volumes tagged {grouping.key}: {values}."


def _count(volumes: Sequence[Volume]) -> str:
    return f"{len(volumes)} volume{'' if len(volumes) == 1 else 's'}"


def _size(volumes: Sequence[Volume]) -> int:
    return sum(volume.size_gib for volume in volumes)


def _hours(proposal: Proposal) -> int:
    return -(-proposal.takes // HOUR)


def _set(model: BaseModel) -> dict[str, object]:
    """Return what was set of a part of the config: defaults need not be written down."""
    return model.model_dump(mode="json", exclude_unset=True, exclude_none=True)


def _yaml(document: Mapping[str, object]) -> list[str]:
    """Return lines of YAML; a tag with a character that nobody can see or print is escaped.

    Among those characters are YAML's own line ends (U+0085, U+2028), which would break a line.
    """
    lines = _dumped(document, allow_unicode=True)
    if all(line.isprintable() for line in lines):
        return lines
    return _dumped(document, allow_unicode=False)


def _dumped(document: Mapping[str, object], *, allow_unicode: bool) -> list[str]:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=allow_unicode, width=_WIDTH)
    return text.removesuffix("\n").split("\n")


def _comment(*sentences: str) -> list[str]:
    """Return comments: text of the cloud never ends a line, nor does it steer a terminal."""
    lines = []
    for sentence in sentences:
        said = "".join(char if char.isprintable() else "?" for char in sentence)
        lines += [f"# {line}".rstrip() for line in wrap(said, _WIDTH) or [""]]
    return lines


def _nested(lines: Sequence[str]) -> list[str]:
    return [indent(line, "  ") for line in lines]
