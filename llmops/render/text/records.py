"""What the record commands show: the log, the verification, doctor."""

from __future__ import annotations

from llmops.governance.ledger import Entry
from llmops.governance.predicates import Calibration
from llmops.render.page import Cell, Page
from llmops.usecases.results.auditing import Audited, AuditLog, Diagnosis

_SAID = (("on", "evalset"), ("in", "environment"), ("as", "role"), ("because", "reason"))


def log(page: Page, result: AuditLog) -> None:
    """One line a record, oldest first; void ones say why."""
    if not result.entries:
        page.line(f"no records on {result.branch}")
        return
    rows = []
    for entry in result.entries:
        time = entry.issued_at.strftime("%Y-%m-%d %H:%M:%S") if entry.issued_at else ""
        about = _about(entry)
        said = Cell(about) if entry.is_effective else Cell(f"VOID {entry.code}: {about}", "bad")
        rows.append((str(entry.sequence), time, entry.kind, entry.signer or "unknown", said))
    page.table(("no", "issued (UTC)", "kind", "signed by", "about"), rows, right=(0,))


def _about(entry: Entry) -> str:
    """What a record speaks of: prompt and version, where, as which role, why; as far as its kind says so."""
    said = entry.predicate
    if isinstance(said, Calibration):
        return f"{said.judge} on {said.metric}, labels of {said.evalset}"
    words = [entry.prompt or "", *(str(getattr(said, name, "") or "") for name in ("version", "target", "name"))]
    words += [f"{mark} {value}" for mark, name in _SAID if (value := getattr(said, name, ""))]
    return " ".join(word for word in words if word) or "the policy"


def audited(page: Page, result: Audited) -> None:
    """The level, every fault with both sides, void records, marks, and what to pin."""
    report = result.report
    ledger = report.ledger
    verdict = Cell("verified", "good") if report.ok else Cell("FAILED", "bad")
    void = sum(not entry.is_effective for entry in ledger.entries)
    page.line(verdict, f"  {report.level}  {len(ledger.entries)} records on {result.branch}, {void} void")
    page.fields([("commit", result.commit), ("root", result.root or "none"), ("head", ledger.head)])
    for fault in report.faults:
        page.blank()
        page.paragraph(f"{fault.code}: {fault.path}: {fault.message}", indent=2, hanging=4, style="bad")
        if fault.expected or fault.found:
            page.fields([("recorded", fault.expected or "-"), ("found", fault.found or "-")], indent=4)
    for entry in (*report.suspects, *(entry for entry in ledger.entries if not entry.is_effective)):
        page.paragraph(f"void {entry.code}: {entry.path}: {entry.reason}", indent=2, hanging=4, style="warn")
    for mark in report.marks:
        page.paragraph(f"{mark.name}: {mark.path}: {mark.message}", indent=2, hanging=4, style="warn")
    if report.level == "SELF-ATTESTED" and result.root and not result.is_pinned:
        page.blank()
        page.paragraph(
            f"no root is pinned, so this proves order and content, not who began it: --root {result.root}", style="dim"
        )


def diagnosis(page: Page, result: Diagnosis) -> None:
    """One line a check, what to do where something is wrong."""
    styles = {"ok": "good", "warning": "warn", "problem": "bad"}
    for check in result.checks:
        page.paragraph(f"{check.state:<8} {check.name}: {check.message}", hanging=9, style=styles[check.state])
        if check.fix:
            page.paragraph(f"fix: {check.fix}", indent=9, hanging=14)
