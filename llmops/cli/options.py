"""Arguments and options that several commands share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

NameArg = Annotated[str, typer.Argument(metavar="NAME", help="A prompt, or NAME@VERSION for one of its releases.")]
EnvironmentOpt = Annotated[str, typer.Option("--env", metavar="ENV", help="An environment of the policy.")]
DryRunOpt = Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")]
RecordsBranchOpt = Annotated[
    str, typer.Option("--records-branch", metavar="BRANCH", help="Where records stand, if not where the policy says.")
]
OfflineOpt = Annotated[bool, typer.Option("--offline", help="Refuse every network address; embedded models only.")]


def split_name(name: str) -> tuple[str, str]:
    """`prompt@1.2.0` as (prompt, 1.2.0); without a version the second part is empty."""
    prompt, _, version = name.partition("@")
    return prompt, version
