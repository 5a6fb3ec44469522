"""Refuses unknown settings before a verb is loaded, with the nearest known one.

Hydra refuses an unknown key, too, but advises a ``+``, which adds a setting that nothing reads.
"""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from m3depth.cli.nearest import meant, nearest, nearest_path
from m3depth.errors import ConfigError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

Node = dict[str, Any]
WITHOUT = {"callbacks", "logger"}  # groups that null leaves empty
NONE_AT_FIRST = {"experiment", "debug"}  # groups that are null unless they are given
OR_NONE = {"teacher"}  # groups that an experiment may choose, and null leaves out
ONE = {"data", "network", "system", "optimizer", "scheduler", "source", "motion"}
ONE |= {"writer", "target"}
OF_HYDRA = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}


def checked(folder: Path, name: str, settings: Sequence[str]) -> list[str]:
    """The command line's settings in Hydra's form: a part that is set to null is left out.

    Args:
        folder: Of the Hydra files.
        name: Of the verb's file there.
        settings: Hydra can parse them.

    Raises:
        ConfigError: no such setting, or one that cannot be null.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    overrides = OverridesParser.create().parse_overrides(list(settings))
    ours = [one for one in overrides if not one.is_hydra_override()]
    for one in overrides:
        if one.is_sweep_override():
            raise ConfigError(
                f"{one.input_line}: several values need -m, which runs a job for each"
            )
    with initialize_config_dir(str(folder), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        options = {one.key_or_group: loader.get_group_options(one.key_or_group) for one in ours}
        of_groups = [one for one in ours if options[one.key_or_group]]
        chosen = [one for one in of_groups if not isinstance(one.value(), dict)]
        taken = [line for one in chosen for line in _choice(one, options[one.key_or_group], name)]
        _refuse_groups(chosen, folder / f"{name}.yaml")
        config: Any = OmegaConf.to_container(compose(name, taken))
    rest = [line for one in ours if one not in chosen for line in _key(one, config)]
    return [*taken, *rest, *(one.input_line or "" for one in overrides if one.is_hydra_override())]


def _choice(group: "Override", options: Sequence[str], verb: str) -> list[str]:
    """The choice of a group; null is one where the verb works without it."""
    name, value = group.key_or_group, group.value()
    if value in (None, []) or group.is_delete():
        if name in NONE_AT_FIRST:
            return []
        if name in OR_NONE:
            return [f"~{name}"]
        if name in WITHOUT and group.package is None:
            return [f"~{name}", f"++{name}={{}}"]
        shown = "[]" if value == [] else "null"
        raise ConfigError(f"{name}={shown}: {verb} needs one: {', '.join(options)}")
    if isinstance(value, list) and name in ONE:
        raise ConfigError(f"{name}={value}: {verb} takes one {name}")
    for one in value if isinstance(value, list) else [value]:
        if one not in options and "/" not in str(one) and "$" not in str(one):
            near = nearest(str(one), options)
            raise ConfigError(f"{name}={one}: no such {name}{meant(near, options)}")
    line = group.input_line or ""
    return [line.lstrip("+") if name in NONE_AT_FIRST else line]


def _refuse_groups(chosen: Sequence["Override"], file: Path) -> None:
    """A group of another verb would be composed but never read."""
    import yaml

    defaults = yaml.safe_load(file.read_text())["defaults"]
    known = [key for one in defaults if isinstance(one, dict) for key in one]
    for one in chosen:
        name = one.key_or_group
        if name.partition("/")[0] not in known and one.package is None:
            raise ConfigError(f"{name}: no such setting{meant(nearest(name, known))}")


def _key(override: "Override", config: Node) -> list[str]:
    """Check one setting against ``config``, and apply it there."""
    key, line, value = override.key_or_group, override.input_line or "", override.value()
    *parents, last = key.split(".")
    node: Any = config
    for depth, part in enumerate(parents):
        if not isinstance(node, (dict, list)) or _child(node, part) is None:
            _may_be_added(override, config, node, ".".join(parents[:depth]), part)
            return [line]
        node = _child(node, part)
    if isinstance(node, list):
        return [line]
    if not isinstance(node, dict) or last not in node:
        _may_be_added(override, config, node, ".".join(parents), last)
    elif isinstance(node[last], dict) and not override.is_delete() and not isinstance(value, dict):
        return _instead(key, line, value, node, bool(parents))
    if isinstance(node, dict):  # what comes after it is checked with it: another class, say
        node.pop(last, None) if override.is_delete() else node.update({last: value})
    return [line]


def _instead(key: str, line: str, value: object, parent: Node, nested: bool) -> list[str]:
    """A part with settings of its own as a whole; null leaves it out."""
    last = key.rpartition(".")[2]
    if isinstance(value, str) and "${" in value:
        return [line]
    if value is None and "_target_" in parent[last] and nested and "_target_" not in parent:
        return [f"~{key}"]
    if value is None and nested and "_target_" in parent:
        taken = _parameters(parent["_target_"]).get(last)
        if taken is None or taken.default is None or "None" in str(taken.annotation):
            return [line]
    shown = "null" if value is None else value
    first = next((name for name in parent[last] if name not in OF_HYDRA), "_target_")
    raise ConfigError(f"{key}={shown}: has settings of its own, as {key}.{first}=...")


def _may_be_added(override: "Override", config: Node, parent: object, path: str, name: str) -> None:
    """Raise unless the class that ``parent`` makes takes ``name``, or it is a further part."""
    key, adds = override.key_or_group, override.is_add() or override.is_force_add()
    near = nearest_path(key, config)
    if not adds and isinstance(parent, dict) and nearest(name, list(parent), 0.8):
        raise ConfigError(f"{key}: no such setting{meant(near)}")  # before its class is imported
    target = parent.get("_target_") if isinstance(parent, dict) else None
    taken = {} if target is None else _parameters(target)
    if not adds and near and name not in taken:
        raise ConfigError(f"{key}: no such setting{meant(near)}")
    if target is not None:
        unsure = nearest(name, list(taken), 0.8)
        if name in taken or name in OF_HYDRA or ("**" in taken and unsure is None):
            if adds:
                return
            raise ConfigError(f"{key}: not in conf/; +{override.input_line} adds it")
        near = next((f"{path}.{one}" for one in [nearest(name, list(taken))] if one), near)
    elif adds and path and isinstance(parent, dict) and _takes_parts(parent, override.value()):
        return
    raise ConfigError(f"{key}: no such setting{meant(near)}")


def _takes_parts(parent: Node, value: object) -> bool:
    parts = all(isinstance(one, dict) for one in parent.values())
    return parts and isinstance(value, dict) and "_target_" in value


def _parameters(target: str) -> Mapping[str, inspect.Parameter]:
    """What a class or a function takes; ``**`` stands for any."""
    from hydra.utils import get_object

    try:
        taken = inspect.signature(get_object(target)).parameters
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        raise ConfigError(f"_target_={target}: cannot be found: {why}") from error
    kinds = {one.kind for one in taken.values()}
    any_ = {"**": inspect.Parameter("any", inspect.Parameter.VAR_KEYWORD)}
    return {**taken, **(any_ if inspect.Parameter.VAR_KEYWORD in kinds else {})}


def _child(node: Node | list[Any], part: str) -> object:
    if isinstance(node, list):
        return node[int(part)] if part.isdigit() and int(part) < len(node) else None
    return node.get(part)
