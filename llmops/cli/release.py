"""Release: policy, publish, approve, promote, rollback, status, why."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import DryRunOpt, EnvironmentOpt, NameArg, RecordsBranchOpt, split_name
from llmops.cli.outcome import Outcome
from llmops.cli.session import page_for
from llmops.errors import Answer, CannotAsk

GROUP = "Release"
YesOpt = Annotated[bool, typer.Option("--yes", "-y", help="Sign without asking.")]
PushOpt = Annotated[bool, typer.Option("--push", help="Push the records branch afterwards.")]


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    policy = typer.Typer(help="Who may do what: check, apply, show.", rich_markup_mode=None, no_args_is_help=True)
    for command in (policy_check, policy_apply, policy_show):
        policy.command(command.__name__.removeprefix("policy_"))(command)
    app.add_typer(policy, name="policy", rich_help_panel=GROUP)
    for verb in (publish, approve, promote, rollback, status, why):
        app.command(rich_help_panel=GROUP)(verb)


def policy_check(context: typer.Context) -> Outcome:
    """Check the `governance:` mapping of llmops.yaml.

    Example: llmops policy check
    """
    from llmops.render import messages
    from llmops.render.text import release as text
    from llmops.usecases.records import ledgers
    from llmops.usecases.release import policy as usecase

    world = Context.of(context)
    checked = usecase.check(world.repository.work_tree())
    if any(finding.is_error for finding in checked.findings):
        return Outcome(
            result=None,
            show=lambda page: messages.findings(page, checked.findings),
            answer=Answer.NO,
            findings=checked.findings,
        )
    view = usecase.view(checked, ledgers.read(world.repository, world.records()))
    return Outcome(result=view, show=lambda page: text.policy(page, view), findings=checked.findings)


def policy_apply(
    context: typer.Context, dry_run: DryRunOpt = False, push: PushOpt = False, records_branch: RecordsBranchOpt = ""
) -> Outcome:
    """Put the policy of llmops.yaml in force, signed by a root person.

    Example: llmops policy apply
    """
    from llmops.render.text import release as text
    from llmops.usecases.release import policy as usecase

    world = Context.of(context)
    desk = world.desk(records_branch, dry_run=dry_run, push=push)
    result = usecase.apply(desk, world.repository.work_tree())
    return Outcome(result=result, show=lambda page: text.policy(page, result))


def policy_show(context: typer.Context, records_branch: RecordsBranchOpt = "") -> Outcome:
    """Show the policy in force.

    Example: llmops policy show
    """
    from llmops.render.text import release as text
    from llmops.usecases.release import policy as usecase

    result = usecase.show(Context.of(context).desk(records_branch, signs=False).read())
    return Outcome(result=result, show=lambda page: text.policy(page, result))


def publish(
    context: typer.Context,
    name: NameArg,
    dry_run: DryRunOpt = False,
    push: PushOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """After the merge: record a release and who contributed.

    Example: llmops publish mortgage-assistant@1.2.0
    """
    from llmops.render.text import release as text
    from llmops.usecases.release import publish as usecase

    world = Context.of(context)
    prompt, version = split_name(name)
    result = usecase.run(world.desk(records_branch, dry_run=dry_run, push=push), prompt, version)
    return Outcome(result=result, show=lambda page: text.act(page, result))


def approve(
    context: typer.Context,
    name: NameArg,
    env: EnvironmentOpt,
    role: Annotated[str, typer.Option("--role", help="The role to sign as; all that are missing without.")] = "",
    accept: Annotated[
        list[str] | None, typer.Option("--accept", metavar="ID", help="A looser bar (role quality).")
    ] = None,
    ramp: Annotated[
        str, typer.Option("--ramp", metavar="PERCENTS", help="The steps of a canary that you agree to: 10,100.")
    ] = "100",
    reject: Annotated[str, typer.Option("--reject", metavar="REASON", help="Sign a rejection instead.")] = "",
    yes: YesOpt = False,
    dry_run: DryRunOpt = False,
    push: PushOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Show what is being agreed to, then sign it.

    Example: llmops approve mortgage-assistant@1.2.0 --env staging
    """
    from llmops.render.text import release as text
    from llmops.usecases.release import approve as usecase

    world = Context.of(context)
    prompt, version = _release(name)
    desk = world.desk(records_branch, dry_run=dry_run, push=push)
    request = usecase.Request(
        name=prompt,
        version=version,
        environment=env,
        role=role,
        accept=tuple(accept or ()),
        reject=reject,
        ramp=_ramp(ramp),
    )
    agreement = usecase.look(desk, request)
    page = page_for(sys.stderr)
    text.agreement(page, agreement)
    sys.stderr.write(f"{page}\n")
    _confirm(f"Sign as {', '.join(agreement.roles)}?", yes=yes or dry_run)
    result = usecase.sign(desk, request, agreement)
    return Outcome(result=result, show=lambda page: text.act(page, result))


def promote(
    context: typer.Context,
    name: NameArg,
    to: Annotated[str, typer.Option("--to", metavar="ENV", help="Where it shall serve.")],
    weights: Annotated[
        int, typer.Option("--weights", min=1, max=100, help="Percent of traffic; under 100 is a canary.")
    ] = 100,
    release_hold: Annotated[bool, typer.Option("--release-hold", help="End the hold that a rollback left.")] = False,
    dry_run: DryRunOpt = False,
    push: PushOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Let a release serve; lists everything that is missing.

    Example: llmops promote mortgage-assistant@1.2.0 --to staging
    """
    from llmops.render.text import release as text
    from llmops.usecases.release import promote as usecase

    world = Context.of(context)
    prompt, version = _release(name)
    request = usecase.Request(name=prompt, version=version, environment=to, percent=weights, release_hold=release_hold)
    result = usecase.run(world.desk(records_branch, dry_run=dry_run, push=push), request)
    return Outcome(result=result, show=lambda page: text.act(page, result))


def rollback(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A prompt.")],
    env: EnvironmentOpt,
    to: Annotated[str, typer.Option("--to", metavar="VERSION", help="A version that served here, or off.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who read this later.")] = "",
    incident: Annotated[str, typer.Option("--incident", help="The incident's reference.")] = "",
    dry_run: DryRunOpt = False,
    push: PushOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Back to what served before, in one commit, and hold.

    Example: llmops rollback mortgage-assistant --env staging --reason "wrong fees"
    """
    from llmops.render.text import release as text
    from llmops.usecases.release import rollback as usecase

    world = Context.of(context)
    request = usecase.Request(name=split_name(name)[0], environment=env, to=to, reason=reason, incident=incident)
    result = usecase.run(world.desk(records_branch, dry_run=dry_run, push=push), request)
    return Outcome(result=result, show=lambda page: text.act(page, result))


def status(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One prompt only.")] = "",
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """What serves in each environment, and what waits.

    Example: llmops status
    """
    from llmops.render.text import release as text
    from llmops.usecases.records import ledgers
    from llmops.usecases.release import status as usecase

    world = Context.of(context)
    desk = world.desk(records_branch, signs=False)
    result = usecase.status(ledgers.require(desk.read(), desk.branch), desk.branch, world.now, name)
    return Outcome(result=result, show=lambda page: text.status(page, result))


def why(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A prompt.")],
    env: EnvironmentOpt,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """The whole proof chain of what serves.

    Example: llmops why mortgage-assistant --env staging
    """
    from llmops.render.text import release as text
    from llmops.usecases.records import ledgers
    from llmops.usecases.release import status as usecase

    world = Context.of(context)
    branch = world.records(records_branch)
    records = ledgers.require(ledgers.read(world.repository, branch), branch)
    result = usecase.why(records, split_name(name)[0], env)
    return Outcome(
        result=result, show=lambda page: text.why(page, result), answer=Answer.YES if result.is_whole else Answer.NO
    )


def _release(name: str) -> tuple[str, str]:
    prompt, version = split_name(name)
    if not version:
        raise CannotAsk(
            "USAGE", "which version?", hint=f"{prompt}@VERSION; `llmops status {prompt}` lists what is there"
        )
    return prompt, version


def _ramp(text: str) -> tuple[int, ...]:
    steps = [step.strip().removesuffix("%").strip() for step in text.split(",")]
    if not all(step.isdecimal() and len(step) < 4 for step in steps):
        raise CannotAsk("USAGE", f"--ramp {text} is no list of percents", hint="--ramp 10,50,100")
    percents = tuple(int(step) for step in steps)
    if percents != tuple(sorted(set(percents))) or not 0 < percents[0] <= percents[-1] <= 100:
        raise CannotAsk("USAGE", f"--ramp {text} does not rise from above 0 to at most 100", hint="--ramp 10,50,100")
    return percents


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CannotAsk("NOT_CONFIRMED", "nobody is there to confirm this", hint="read it, then add --yes")
    if not typer.confirm(question, err=True):
        raise CannotAsk("NOT_CONFIRMED", "nothing was signed", hint="run the same command again to sign")
