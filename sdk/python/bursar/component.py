"""Makes a component's exports of a plugin's functions. componentize-py is given this module.

The plugin is the module `plugin`, with `manifest.json`, `schema.json` and
`template.json` beside it. They are read while the component is built; it has no
files when it runs.
"""

import json
from pathlib import Path
from typing import Any, Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import form
from wit_world.imports import types

import plugin
from bursar import Inspection, internal, not_found, unsupported


def _file(name: str) -> Any:
    return json.loads(Path(plugin.__file__).with_name(name).read_text())


_MANIFEST, _SCHEMA, _TEMPLATE = _file("manifest.json"), _file("schema.json"), _file("template.json")


def _guarded(call):
    """Any other error is a defect, and reported as one: a trap would give no reason."""

    def guard(*values):
        try:
            return call(*values)
        except Err:
            raise
        except Exception as error:
            raise internal(f"{type(error).__name__}: {error}")

    return guard


class Form(exports.Form):
    def describe(self) -> str:
        return json.dumps(_MANIFEST)

    def schema(self) -> str:
        return json.dumps(_SCHEMA)

    @_guarded
    def template(self, variant: Optional[str]) -> str:
        return json.dumps(_skeleton(variant))

    @_guarded
    def inspect(self, data: str, context: types.Context) -> form.Inspection:
        inspect = getattr(plugin, "inspect", lambda data, _: Inspection(data))
        found = inspect(json.loads(data), _with_options(context))
        return form.Inspection(
            json.dumps(found.data),
            json.dumps(found.attributes),
            [form.Selector(kind, value) for kind, value in found.selectors],
            None if found.order is None else json.dumps(found.order),
            found.not_before,
            found.not_after,
        )

    @_guarded
    def check(self, data: str, context: types.Context) -> list[form.Rewrite]:
        check = getattr(plugin, "check", lambda *_: {})
        rewrites = check(json.loads(data), _with_options(context)) or {}
        return [form.Rewrite(pointer, json.dumps(value)) for pointer, value in rewrites.items()]


class Materializer(exports.Materializer):
    @_guarded
    def materialize(self, data: str, minted: Optional[str], format: str, context: types.Context):
        fields = [] if minted is None else [json.loads(minted)]
        artifacts = plugin.materialize(json.loads(data), format, _with_options(context), *fields)
        if artifacts is None:
            raise unsupported("this type has no such format")
        return artifacts


# The optional interfaces, defined exactly if the world that is built has them.

if hasattr(exports, "Dns01"):
    from wit_world.exports import dns01

    class Dns01(exports.Dns01):
        @_guarded
        def check(self, config: str, fqdn: Optional[str], context: types.Context) -> types.Report:
            return _report(plugin.Dns01().check(json.loads(config), fqdn, _with_options(context)))

        @_guarded
        def present(self, config: str, txt: dns01.TxtRecord, context: types.Context) -> str:
            return plugin.Dns01().present(json.loads(config), txt, _with_options(context)) or ""

        @_guarded
        def poll(self, config: str, handle: str, context: types.Context) -> dns01.Progress:
            poll = getattr(plugin.Dns01(), "poll", lambda *_: None)
            seconds = poll(json.loads(config), handle, _with_options(context))
            return dns01.Progress_Done() if seconds is None else dns01.Progress_Pending(seconds)

        @_guarded
        def cleanup(self, config: str, txt: dns01.TxtRecord, handle: str, context: types.Context) -> None:
            plugin.Dns01().cleanup(json.loads(config), txt, handle, _with_options(context))


if hasattr(exports, "Prober"):

    class Prober(exports.Prober):
        @_guarded
        def probe(self, config: str, context: types.Context) -> types.Report:
            return _report(plugin.Prober().probe(json.loads(config), _with_options(context)))


if hasattr(exports, "Minter"):
    from wit_world.exports import minter

    class Minter(exports.Minter):
        @_guarded
        def mint(self, config: str, context: types.Context) -> minter.Minted:
            token, lifetime_seconds, fields = plugin.Minter().mint(json.loads(config), _with_options(context))
            return minter.Minted(token, lifetime_seconds, json.dumps(fields))


if hasattr(exports, "Generator"):

    class Generator(exports.Generator):
        @_guarded
        def generate(self, data: str, entropy: bytes, context: types.Context) -> str:
            return json.dumps(plugin.Generator().generate(json.loads(data), entropy, _with_options(context)))


def _skeleton(variant: Optional[str]) -> Any:
    """The only skeleton; with variants, that of `variant` or else of the first."""
    variants = _MANIFEST.get("variants", [])
    if not variants and variant is None:
        return _TEMPLATE
    chosen = (variant or variants[0]["id"]) if variants else None
    if chosen not in _TEMPLATE or chosen is None:
        raise not_found("there is no such variant")
    return _TEMPLATE[chosen]


def _with_options(context: types.Context) -> types.Context:
    context.options = json.loads(context.options)
    return context


def _report(found: tuple[str, dict[str, Any]]) -> types.Report:
    summary, details = found
    return types.Report(summary, json.dumps(details))
