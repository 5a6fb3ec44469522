"""From a configuration to a training system."""

from inspect import signature
from typing import Any

from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.errors import ConfigError
from m3depth.networks.configuration import built
from m3depth.systems.base import System

NO_PARTS = ("_target_", "monitor")  # ``monitor`` is for the callbacks


def build_system(config: DictConfig) -> System:
    """The class that ``config.system`` names, with its parts.

    A part, a parameter of the constructor, is what ``config.system`` has by its name, or else the
    configuration's group of that name, such as ``config.network``.

    Raises:
        ConfigError: the class is no `System`, or the configuration lacks one of its parts.
    """
    chosen: Any = get_class(config.system["_target_"])
    if not issubclass(chosen, System):
        raise ConfigError(f"system._target_={config.system['_target_']}: no m3depth System")
    own = {name: value for name, value in config.system.items() if name not in NO_PARTS}
    parts = {name: own.get(name, config.get(name)) for name in _parameters(chosen)}
    missing = [name for name, part in parts.items() if part is None]
    if missing or own.keys() - parts.keys():
        wrong = missing or sorted(map(str, own.keys() - parts.keys()))
        raise ConfigError(
            f"system: {config.system['_target_']} takes {', '.join(parts)}; "
            f"{'missing' if missing else 'unknown'}: {', '.join(wrong)}"
        )
    networks = {name: parts.pop(name) for name in (chosen.gives_depth, chosen.gives_motion) if name}
    plain = {name: OmegaConf.to_container(part, resolve=True) for name, part in networks.items()}
    made: System = chosen(
        **{name: built(options) for name, options in plain.items()},
        **{n: instantiate(one) if OmegaConf.is_config(one) else one for n, one in parts.items()},
    )
    return made


def _parameters(chosen: type) -> list[str]:
    """Of the constructor and, as far as it passes ``**parts`` on, of those above it."""
    names: dict[str, None] = {}
    for one in chosen.__mro__:
        if "__init__" in vars(one):
            taken = list(signature(one).parameters.values())
            names |= dict.fromkeys(each.name for each in taken if each.kind is not each.VAR_KEYWORD)
            if all(each.kind is not each.VAR_KEYWORD for each in taken):
                break
    return list(names)
