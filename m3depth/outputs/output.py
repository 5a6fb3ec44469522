"""An output folder for the time of a run: nobody else writes there meanwhile."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from m3depth.errors import ConfigError, UserError
from m3depth.outputs.claim import Claim
from m3depth.outputs.lock import Lock
from m3depth.outputs.places import require_apart, require_place
from m3depth.outputs.record import OURS, Record
from m3depth.stopping import Stopped
from m3depth.validation import require_switch

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Output:
    """What a run needs of its output folder.

    Args:
        output: The option's value.
        verb: Of the run.
        inputs: What is read, by the options' names: the output must not be or hold any of them.
        needs: Files that may be in the output, but must outlive the run, by their options' names.
        overwrite: Replace what an earlier run of the same verb wrote, and nothing else.
        goes_on: Go on with an earlier run of the same verb.
        renews: Write an earlier run's files of the same names anew; the others stay.
        ways_on: What the user may do about an earlier run, beside ``overwrite=true``.
        when_stopped: How to go on, if the run is asked to stop.
        share: Names this process's part of the work; others may write theirs at the same time.
        names: What will be written, as far as it is known.
    """

    output: object
    verb: str
    inputs: Mapping[str, object] = field(default_factory=dict)
    needs: Mapping[str, object] = field(default_factory=dict)
    overwrite: object = False
    goes_on: bool = False
    renews: bool = False
    ways_on: str = ""
    when_stopped: str = ""
    share: str = ""
    names: tuple[str, ...] = ()

    @contextmanager
    def claimed(self) -> Iterator[Claim]:
        """The folder, as long as the run lasts.

        Raises:
            ConfigError: the folder is no place for a run, or holds one.
            UserError: another process writes there, or a file is in the way.
            Stopped: the run was asked to stop; it says how to go on.
        """
        require_switch("overwrite", self.overwrite)  # "no" would be a word, and true
        used = bool(Record(Path(str(self.output))).present())
        folder = require_place(self.output, used)
        require_apart(folder, self.inputs)
        self._require_usable(Record(folder))  # before anything is made
        with self._locked(folder):
            claim = Claim(folder, self.verb, bool(self.overwrite))
            self._require_usable(claim.record)  # another run may have ended just now
            if not self.goes_on:
                claim.require_free(self.names)
            if self.renews and not self.overwrite and claim.record.present():
                logger.warning(
                    "output=%s: has files of an earlier m3depth %s: those of the same names are "
                    "written anew, the others stay",
                    self.output,
                    self.verb,
                )
            try:
                with claim.active():
                    yield claim
            except KeyboardInterrupt as stop:
                raise Stopped(str(stop) or f"stopped{self.when_stopped}") from stop

    def _require_usable(self, record: Record) -> None:
        present = record.present()
        if not present:
            return
        if record.verb != self.verb:
            raise ConfigError(
                f"output={self.output}: holds a run of m3depth {record.verb}, which m3depth "
                f"{self.verb} does not replace; choose another output="
            )
        if not (self.overwrite or self.goes_on or self.renews):
            raise ConfigError(
                f"output={self.output}: holds a run of m3depth {self.verb}; {self.ways_on}"
                "overwrite=true replaces it, or choose another output="
            )
        ours = {os.path.realpath(record.folder / name) for name in present}
        for option, value in self.needs.items():
            if self.overwrite and value is not None and os.path.realpath(str(value)) in ours:
                raise ConfigError(
                    f"output={self.output}: overwrite=true would remove {option}={value}; choose "
                    "another output="
                )

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Held alone, or together with processes that have other shares of the work."""
        missing = [one for one in (folder / OURS, folder, *folder.parents) if not one.exists()]
        locks = [Lock(folder / OURS / "lock", shared=bool(self.share))]
        if self.share:
            locks.append(Lock(folder / OURS / f"lock.{self.share.replace('/', '_of_')}"))
        with ExitStack() as stack:
            stack.callback(_remove_empty, missing)
            for lock in locks:
                if not lock.take():
                    raise UserError(
                        f"output={self.output}: another m3depth writes there now; wait until "
                        "it ends, or choose another output="
                    )
                stack.callback(lock.release)
            yield
            if locks[0].alone():
                Record(folder).tidy()


def _remove_empty(folders: Iterable[Path]) -> None:
    """A run that wrote nothing leaves no folder."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
