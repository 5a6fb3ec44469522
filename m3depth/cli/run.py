"""A verb's command line: its help, one run, or one run for each of several values."""

import sys

from m3depth.cli.arguments import Arguments, take_apart
from m3depth.cli.configuration import configuration
from m3depth.cli.run_once import run_once, settle

NOT_SHOWN = ("base", "_self_")  # of a file's defaults: no settings of a verb
GO_ON = {"train", "splat"}  # with an earlier run in their output


def run(
    verb: str, arguments: list[str], task: str | None = None, settings: str | None = None
) -> int:
    """Compose a verb's configuration and run its task, once or as a multirun.

    Args:
        verb: Its name, for messages.
        arguments: Of the command line.
        task: Path of the function that takes the configuration; imported only once that is checked.
            It returns an exit status, the value that its run is judged by, or nothing. It is called
            as the verb is, in a module of this name, when absent.
        settings: Name of its file in ``conf/``; the verb's own without it.

    Returns:
        The exit status.
    """
    given = take_apart(arguments)
    name, task = settings or verb, task or f"m3depth.cli.{verb}.{verb}"
    if given.help:
        return _help(verb, name, given)
    if verb in GO_ON and any(one.startswith("checkpoint=") for one in given.settings):
        from m3depth.cli.earlier_settings import with_earlier

        given = given._replace(settings=with_earlier(given.settings, given.multirun))
    if given.multirun:
        from m3depth.cli.sweep import sweep

        return sweep(verb, name, given, task)
    value = run_once(verb, name, [*given.flags, *settle(name, given)], task, arguments)
    return value if isinstance(value, int) else 0


def _help(verb: str, name: str, given: Arguments) -> int:
    """The files themselves, of which Hydra's own help loses the comments, and then Hydra's."""
    import yaml
    from hydra.errors import ConfigCompositionException

    text = (configuration() / f"{name}.yaml").read_text()
    shared = [one for one in yaml.safe_load(text)["defaults"] if one not in NOT_SHOWN]
    parts = [configuration() / f"{one}.yaml" for one in shared if isinstance(one, str)]
    shown = "\n".join([text, *(part.read_text() for part in parts)])
    sys.stdout.write(f"usage: m3depth {verb} [key=value ...]\n\n{shown}\n")
    try:
        run_once(verb, name, [*given.flags, "--help", *settle(name, given)], "", [])
    except ConfigCompositionException as error:  # a choice for which there is no default
        sys.stdout.write(f"{' '.join(str(error).split())}\n")
    return 0
