"""The only wiring, with `bench` for evaluations: which adapter stands behind which port, for one command.

Each part is made on first use, so a command pays for nothing it does not touch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from llmops.cli.options import Asking, split_name
from llmops.cli.session import Globals, say

if TYPE_CHECKING:
    from llmops.adapters.git.repository import GitRepository
    from llmops.adapters.memory import Memory
    from llmops.adapters.models.door import Door
    from llmops.adapters.ssh import SshSigner
    from llmops.adapters.validation_cache import ValidationCache
    from llmops.documents.config import Settings
    from llmops.documents.project import Project
    from llmops.documents.trees import Tree
    from llmops.evaluation.panels import Panel
    from llmops.retrieval.passages import Passage
    from llmops.usecases.evaluate.evaluating import Tools
    from llmops.usecases.evaluate.scorers import Scorers
    from llmops.usecases.evaluate.sharding import OpenRunner
    from llmops.usecases.evaluate.subjects import Subject
    from llmops.usecases.ports import ModelDoor, Progress, Retriever
    from llmops.usecases.records.ledgers import Desk, RecordsBranch


TRUSTED_REF = "LLMOPS_TRUSTED_REF"


def _sound(found: Project) -> Settings:
    """The settings of a project whose llmops.yaml has no error. Raises: InvalidDocuments."""
    from llmops.errors import InvalidDocuments

    if found.config is not None and not found.config.is_valid:
        raise InvalidDocuments(found.config.findings)
    return found.settings


class Context:
    """The world as one command sees it. `now` is asked once, so one run carries one time."""

    def __init__(self, options: Globals) -> None:
        self.options = options

    @classmethod
    def of(cls, context: typer.Context) -> Context:
        """The context of the running command."""
        options = context.obj if isinstance(context.obj, Globals) else Globals()
        return cls(options)

    @cached_property
    def now(self) -> datetime:
        from llmops.adapters.clock import SystemClock

        return SystemClock().now()

    @cached_property
    def repository(self) -> GitRepository:
        from llmops.adapters.git.repository import open_repository

        return open_repository(self.options.folder)

    @cached_property
    def signer(self) -> SshSigner:
        from llmops.adapters.ssh import find_signer

        return find_signer(self.repository.config)

    def signer_or_new(self, *, dry_run: bool) -> SshSigner | None:
        """The user's key; where there is none, a new one for this repository (None in a dry run)."""
        from llmops.adapters.ssh import OWN_KEY, generate_key
        from llmops.errors import CannotAsk

        try:
            return self.signer
        except CannotAsk as error:
            if error.code != "NO_SSH_KEY":
                raise
        if dry_run:
            return None
        path = Path.home() / ".ssh" / OWN_KEY
        signer = generate_key(str(path), comment="llmops")
        self.repository.set_config("user.signingkey", str(path))
        say(f"no SSH key was found, so one was made: {path}; git config user.signingkey names it in this repository")
        return signer

    @cached_property
    def _project(self) -> Project:
        from llmops.documents import project

        return project.load(self.repository.work_tree())

    @property
    def settings(self) -> Settings:
        """The ordinary configuration in the working llmops.yaml."""
        return self._project.settings

    @cached_property
    def trusted_settings(self) -> Settings:
        """The working configuration, where secrets may be used with it and code of its may run.

        Raises: CannotAsk TRUSTED_REF_MISSING, UNTRUSTED_ENDPOINT; InvalidDocuments where either file is broken.
        """
        from llmops.documents import project
        from llmops.documents.trusted import check_trust

        trusted = self._trusted_tree
        if trusted is not None:
            check_trust(_sound(self._project), _sound(project.load(trusted)))
        return _sound(self._project)

    @cached_property
    def _trusted_tree(self) -> Tree | None:
        """The tree of the trusted ref, None where none is named. Raises: CannotAsk TRUSTED_REF_MISSING."""
        from llmops.errors import CannotAsk

        ref = os.environ.get(TRUSTED_REF, "")
        if not ref:
            return None
        commit = self.repository.resolve(ref)
        if commit is None:
            what = f"{TRUSTED_REF} names {ref}, which is not in this clone"
            raise CannotAsk("TRUSTED_REF_MISSING", what, hint="fetch it, or name a ref that is here")
        return self.repository.tree_at(commit)

    @cached_property
    def prompt_names(self) -> tuple[str, ...]:
        return self._project.prompt_names

    @property
    def base_branch(self) -> str:
        """Where releases are merged: the policy's base branch, else the branch that is checked out."""
        rules = self.settings.governance or {}
        named = rules.get("base_branch") if isinstance(rules, Mapping) else ""
        return str(named or (self.repository.branch() or "").removeprefix("refs/heads/"))

    def from_root(self, paths: Sequence[str]) -> tuple[str, ...]:
        """`paths` as the user wrote them, relative to the repository's root. Raises: CannotAsk PATH_MISSING."""
        from llmops.errors import CannotAsk

        root, folder = Path(self.repository.root).resolve(), Path(self.options.folder)
        found = []
        for path in paths:
            full = (folder / path).resolve()
            if not full.exists() or not full.is_relative_to(root):
                what, hint = "no such file or folder in this repository", "write it, or mend the path"
                raise CannotAsk("PATH_MISSING", what, where=path, hint=hint)
            found.append(full.relative_to(root).as_posix())
        return tuple("" if path == "." else path for path in found)

    def subject(self, name: str, *, is_locked: bool = False, branch: str = "") -> Subject:
        """What NAME or NAME@VERSION means: a locked release, or the working files where no version is asked for."""
        from llmops.usecases.evaluate import subjects
        from llmops.usecases.records import ledgers

        prompt, version = split_name(name)
        if not (is_locked or version):
            return subjects.working(self.repository, prompt)
        # Who decides on it verifies the records; here a file is looked up in them.
        tree = ledgers.tree_of(self.repository, self.records(branch))
        return subjects.locked(self.repository, tree, prompt, version)

    def records(self, branch: str = "", *, pin: str = "") -> RecordsBranch:
        """The records branch: by option, environment variable, git configuration, llmops.yaml, in this order."""
        from llmops.usecases.records.ledgers import find_branch

        return find_branch(
            self.repository,
            asked=branch,
            variable=os.environ.get("LLMOPS_RECORDS_BRANCH", ""),
            pin=pin or os.environ.get("LLMOPS_ROOT", ""),
        )

    def desk(self, branch: str = "", *, dry_run: bool = False, push: bool = False, signs: bool = True) -> Desk:
        """What a use case needs to read and write records."""
        import uuid

        from llmops.adapters.clock import SystemClock
        from llmops.usecases.records.ledgers import Desk

        return Desk(
            repository=self.repository,
            branch=self.records(branch),
            now=self.now,
            new_id=lambda: str(uuid.uuid4()),
            signer=self.signer if signs else None,
            is_dry_run=dry_run,
            push=self._push if push else None,
            pause=SystemClock().pause,
            panel_of=self.panel,
        )

    def _push(self, ref: str, base: str) -> bool:
        is_pushed = self.repository.push(ref, base=base)
        if not is_pushed:
            say("not pushed: this repository has no remote; the commit is here only")
        return is_pushed

    @cached_property
    def cache(self) -> Path:
        """Where this repository keeps what models answered.

        Raises: CannotAsk STATE_COMMITTED: what somebody committed there would pass for answers of models.
        """
        from llmops.adapters.filesystem import STATE_FOLDER, state_folder
        from llmops.errors import CannotAsk

        root = Path(self.repository.root)
        if (root / STATE_FOLDER).is_symlink() or self.repository.index_tree().entries(STATE_FOLDER):
            what = f"{STATE_FOLDER}/ is part of this repository, where only this machine's caches belong"
            hint = f"git rm -r --cached {STATE_FOLDER}, delete the folder, and look at who added it"
            raise CannotAsk("STATE_COMMITTED", what, where=STATE_FOLDER, hint=hint)
        return Path(state_folder(self.repository.root, "cache"))

    @property
    def targets_cache(self) -> Path:
        """Where answers of applications are kept until their run is over."""
        return self.cache

    def door(self, asking: Asking | None = None) -> Door:
        """The model door over this repository's cache; use it as an async context, in one event loop."""
        from llmops.adapters.models.door import open_door

        how = asking or Asking()
        return open_door(
            self.cache,
            self.trusted_settings.models,
            offline=how.is_offline,
            say=say,
            max_nano_usd=how.max_nano_usd,
            record=how.save_replies,
            replay=how.replay,
        )

    def tools(self, asking: Asking | None = None) -> Tools:
        """What an evaluation works with."""
        from llmops.adapters.spool import FileSpool
        from llmops.cli import bench
        from llmops.cli.options import Runner
        from llmops.usecases.evaluate.evaluating import Tools

        how = asking or Asking()
        for line in bench.left_out(self.trusted_settings, self.repository.work_tree()):
            say(line)
        return Tools(
            open_door=lambda cap: self.door(replace(how, max_nano_usd=cap)),
            build_retriever=self.build_retriever,
            progress=self.progress,
            scorers_for=self.scorers,
            targets=lambda name: bench.target(
                self.trusted_settings,
                name,
                root=self.repository.root,
                cache=self.targets_cache,
                is_offline=how.is_offline or how.replay is not None,
                trusted=self._trusted_tree,
            ),
            target=how.target,
            asked=how.metrics,
            judge=how.judge,
            max_nano_usd=how.max_nano_usd,
            say=say,
            open_spool=lambda: FileSpool(self.cache),
            open_runner=self._open_ray(how) if how.runner is Runner.RAY else None,
        )

    def _open_ray(self, how: Asking) -> OpenRunner:
        from llmops.cli import worker

        return lambda bench: worker.open_ray(self, how, bench)

    def scorers(self, door: ModelDoor, judge: str) -> Scorers:
        """Who scores, for a judge's name."""
        from llmops.cli import bench

        return bench.scorers(self.trusted_settings, self.repository.work_tree(), door, judge)

    def panel(self, judge: str) -> Panel:
        """Who measures, for a judge's name; asks nothing."""
        from llmops.cli.late import late_door

        return self.scorers(late_door(self.cache, self.trusted_settings.models), judge).panel

    @property
    def build_retriever(self) -> Callable[[Mapping[str, Any], Sequence[Passage], ModelDoor], Retriever]:
        from llmops.adapters.retrieval.build import build_retriever

        return build_retriever

    @property
    def validation_cache(self) -> ValidationCache:
        from llmops.adapters.validation_cache import ValidationCache

        return ValidationCache(self.repository.root)

    def memory(self, path: str) -> Memory:
        """The file outside the repository that remembers a verified head; remembers nothing where `path` is ""."""
        from llmops.adapters.memory import Memory

        return Memory(Path(path) if path else None)

    @cached_property
    def progress(self) -> Progress:
        from llmops.cli.progress import Bar, Lines

        return Bar() if sys.stderr.isatty() else Lines()

    def probes(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        """What `doctor` looks at, each a question that answers with a sentence or raises."""
        from llmops.adapters import probes

        return (
            ("python", probes.python),
            ("git", probes.git),
            ("repository", lambda: self.repository.root),
            ("identity", lambda: probes.identity(self.repository)),
            ("signing key", lambda: self.signer.public_key[:60] + "…"),
            ("write door", lambda: probes.write_door(self.repository)),
            ("records", self._records_probe),
            ("embedded model", probes.weights),
        )

    def _records_probe(self) -> str:
        from llmops.usecases.records import ledgers

        records = ledgers.read(self.repository, self.records())
        records.report.require_sound()
        return f"{len(records.ledger.entries)} records, {records.report.level}"
