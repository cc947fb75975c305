"""Steps that are done once: what they read and what they wrote is kept, so that a run goes on where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from camwatch.custody import digest_of, portable, read_json, versions, write_json
from camwatch.errors import CustodyError
from camwatch.scenes.hashes import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FOLDER = "state"


@dataclass(slots=True)
class Journal:
    """The steps of one run folder.

    A step's key is the hash of its name, of everything it depends on, and of the versions of the code. Its journal entry is written after its
    outputs are in place, so a step that was stopped half-way has no entry and is done again from its beginning.
    """

    run: Path
    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    _files: set[Path] = field(default_factory=set)

    def step(self, name: str, depends: Any, work: Callable[[], Iterable[Path]]) -> str:
        """Do `work` unless the same step with the same dependencies is done and its outputs are untouched; return the step's key.

        `work` writes files and returns their paths. The key can stand among the dependencies of later steps.
        """
        key = digest_of({"step": name, "depends": depends, "versions": versions()})
        entry = self.run / FOLDER / f"{name}.json"
        outputs = self._valid_outputs(entry, key)
        if outputs is None:
            outputs = sorted(work())
            self._remove_left_over(entry, outputs)
            write_json(entry, {"key": key, "outputs": {portable(p, self.run): sha256_of(p) for p in outputs}})
            self.done.append(name)
        else:
            self.kept.append(name)
        self._files.update(outputs)
        return key

    def add(self, other: Journal) -> None:
        """Take over the steps that another process did in the same folder."""
        self.done += other.done
        self.kept += other.kept
        self._files |= other._files

    def forget_others(self) -> None:
        """Remove what steps of an earlier configuration left in this folder and this run does not make."""
        for entry in sorted((self.run / FOLDER).glob("*.json")):
            if entry.stem in {*self.done, *self.kept}:
                continue
            for name in read_json(entry)["outputs"]:
                if self.run / name not in self._files:
                    (self.run / name).unlink(missing_ok=True)
            entry.unlink()

    @property
    def outputs(self) -> list[Path]:
        """Every file that the steps of this run wrote or kept."""
        return sorted(self._files)

    def _remove_left_over(self, entry: Path, outputs: list[Path]) -> None:
        """Remove what an earlier run of the same step wrote and this one did not."""
        try:
            earlier = read_json(entry)["outputs"] if entry.exists() else {}
        except CustodyError:
            return
        for path in {self.run / name for name in earlier} - set(outputs):
            path.unlink(missing_ok=True)

    def _valid_outputs(self, entry: Path, key: str) -> list[Path] | None:
        try:
            record = read_json(entry) if entry.exists() else {}
        except CustodyError:
            return None  # an unreadable journal entry only means that the step is done again
        if record.get("key") != key:
            return None
        paths = [self.run / name for name in record["outputs"]]
        intact = all(p.is_file() and sha256_of(p) == record["outputs"][portable(p, self.run)] for p in paths)
        return paths if intact else None
