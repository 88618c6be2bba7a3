"""What the release commands show: policy, agreements, acts, status, why."""

from __future__ import annotations

from llmops.render import show
from llmops.render.page import Cell, Page
from llmops.render.text import changes, gate
from llmops.usecases.results.releasing import Act, Agreement, PolicyView, Provenance, Status
from llmops.usecases.results.writing import WrittenRecord

_PAST = {
    "publish": "published",
    "approve": "approved",
    "reject": "rejected",
    "promote": "promoted",
    "rollback": "rolled back",
}


def policy(page: Page, result: PolicyView) -> None:
    """Who may do what, environment by environment."""
    state = "in force" if result.is_in_force else "not in force yet: `llmops policy apply`"
    page.line(Cell("policy", "bold"), f" {result.digest[:16]}  {state}")
    page.blank()
    page.table(("person", "roles"), [(name, ", ".join(roles)) for name, roles in result.people])
    page.blank()
    page.table(("environment", "rules"), result.environments)
    if result.root:
        page.blank()
        page.line("pin this root digest where you verify (--root, or LLMOPS_ROOT):")
        page.line(f"  {result.root}")
    if result.written:
        records(page, (result.written,))


def agreement(page: Page, result: Agreement) -> None:
    """What is about to be signed."""
    verb = "reject" if result.is_rejection else "approve"
    page.line(Cell(f"{result.prompt} {result.version} for {result.environment}", "bold"))
    page.fields(
        [
            ("you", f"{result.person} as {', '.join(result.roles)}, about to {verb}"),
            ("release", result.release),
            ("replaces", result.serving),
        ]
    )
    page.blank()
    if result.serving.startswith("nothing"):
        page.line("changes: everything is new here")
    else:
        page.line(f"changes against {result.serving}:")
        changes.changes(page, result.changes)
    page.blank()
    page.line("the gate:")
    gate.gated(page, result.gated)


def act(page: Page, result: Act) -> None:
    """What was done, in facts, and the records that say so."""
    is_dry = any(record.is_dry_run for record in result.records)
    verb = f"would be {_PAST[result.verb]}" if is_dry else _PAST[result.verb]
    link = {"approve": "for", "reject": "for", "promote": "to"}.get(result.verb, "in")
    where = f" {link} {result.environment}" if result.environment else ""
    marks = "".join(f"  {mark}" for mark in result.marks)
    name = f"{result.prompt} {result.version}".rstrip()
    page.line(Cell(name, "bold"), f" {verb}{where}", Cell(marks, "warn"))
    page.fields(result.facts)
    records(page, result.records)


def records(page: Page, items: tuple[WrittenRecord, ...]) -> None:
    """One line a record; the commit once."""
    for record in items:
        verb = "would record" if record.is_dry_run else "recorded"
        page.line(f"{verb} {record.path}")
        if record.is_dry_run:
            page.bullets((f"would write {path}" for path in record.files if path != record.path), indent=2)
    commits = list(dict.fromkeys(record.commit for record in items if record.commit))
    for commit in commits:
        pushed = ", pushed" if any(record.is_pushed for record in items) else ""
        page.line(Cell(f"commit {commit[:12]}{pushed}", "dim"))


def status(page: Page, result: Status) -> None:
    """What serves where, and what waits."""
    page.line(Cell("status", "bold"), f"  {result.records} records on {result.branch}, {result.level}")
    if not result.rows:
        page.paragraph("nothing was ever published here", indent=2)
        return
    page.blank()
    rows = []
    for row in result.rows:
        pointer = row.pointer
        serving = " + ".join(f"{weight.version} {weight.percent} %" for weight in pointer.weights) if pointer else "-"
        state = pointer.status if pointer else "never served"
        style = {"stable": "good", "canary": "warn", "held": "warn", "off": "bad"}.get(state, "dim")
        since = row.served_since[:16].replace("T", " ")
        rows.append((row.environment, row.prompt, "fallback" if state == "off" else serving, Cell(state, style), since))
    page.table(("environment", "prompt", "serves", "status", "since (UTC)"), rows)
    waiting = [(row, need) for row in result.rows for need in row.waiting]
    if waiting:
        page.blank()
        page.line("waiting:")
        page.bullets(f"{row.environment}: {row.prompt} {need}" for row, need in waiting)


def why(page: Page, result: Provenance) -> None:
    """The chain, newest link first; each link says whether it holds."""
    page.line(Cell(f"why {result.prompt} serves in {result.environment}", "bold"), f"  {result.level}")
    page.blank()
    for link in result.links:
        mark = Cell("ok", "good") if link.ok else Cell("BROKEN", "bad")
        page.line("  ", mark, f"  {link.what}: {link.name}")
        for text in (link.who and f"by {link.who}", link.detail, link.digest and f"sha256 {link.digest}"):
            if text:
                page.paragraph(show.terminal(text), indent=8)
    page.blank()
    page.line(Cell("every link holds", "good") if result.is_whole else Cell("the chain is broken", "bad"))
    page.paragraph("declared by records; no observation from services yet", style="dim")
