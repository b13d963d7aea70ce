"""Templates -> one HTML file with its style and script in it, and a policy that allows no more."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_TEMPLATES = files("volume_images.pages") / "templates"
_SHARED_STYLE = "page.css"


def render(template: str, *, style: str, script: str, **values: object) -> str:
    """Fill in a template; whatever stands in `values` is text, never markup.

    `style` follows the style that all pages share. The page's Content-Security-Policy names both
    and its script by their digests: nothing else runs in it, and nothing is loaded.
    """
    environment = Environment(
        loader=PackageLoader("volume_images.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    css = _read(_SHARED_STYLE) + _read(style)
    code = _read(script)
    policy = (
        f"default-src 'none'; style-src '{_digest(css)}'; script-src '{_digest(code)}';"
        " base-uri 'none'; form-action 'none'"
    )
    return environment.get_template(template).render(
        policy=policy,
        style=Markup(css),  # noqa: S704 - a file of this package # nosec B704
        script=Markup(code),  # noqa: S704 - a file of this package # nosec B704
        **values,
    )


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
