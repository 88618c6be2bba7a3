"""`evalset import` from files and, as far as no network is needed, from the hub."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.adapters.evalsets.test_hub import COMMIT, a_hub
from tests.cli.conftest import Cli

ROWS = [
    {
        "question": "What is PMI?",
        "contexts": ["PMI is insurance."],
        "answer": "Insurance.",
        "ground_truth": "Insurance",
    },
    {"question": "What is\na point?", "contexts": [], "answer": "1 %", "ground_truth": "1 %"},
]
CSV = (
    "\ufeffquestion,contexts,answer,ground_truth\r\n"
    'What is PMI?,"[""PMI is insurance.""]",Insurance.,Insurance\r\n'
    '"What is\na point?",[],1 %,1 %\r\n'
).encode()


def _parquet() -> bytes:
    import io

    import pyarrow as arrow
    import pyarrow.parquet as writing

    stream = io.BytesIO()
    writing.write_table(arrow.Table.from_pylist(ROWS), stream)
    return stream.getvalue()


def _write(folder: Path) -> None:
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    (folder / "a.csv").write_bytes(CSV)
    (folder / "a.parquet").write_bytes(_parquet())


def test_the_three_kinds_of_files_give_the_same_cases_which_validate(cli: Cli, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    _write(outside)
    written = set()
    for ending in ("jsonl", "csv", "parquet"):
        done = cli("evalset", "import", str(outside / f"a.{ending}"), f"from-{ending}", "--json")
        assert done.code == 0, done.err
        assert done.json["result"]["files"] == [
            f"evalsets/from-{ending}/cases.jsonl",
            f"evalsets/from-{ending}/evalset.yaml",
        ]
        written.add((cli.folder / f"evalsets/from-{ending}/cases.jsonl").read_bytes())
        manifest = (cli.folder / f"evalsets/from-{ending}/evalset.yaml").read_text()
        assert f"Imported from a.{ending}." in manifest
        assert str(outside) not in manifest
        assert cli("validate", f"evalsets/from-{ending}", "--strict").code == 0
    (data,) = written
    assert [json.loads(line) for line in data.splitlines()] == [
        {"id": f"c0000{number}", **row} for number, row in enumerate(ROWS, 1)
    ]


def test_columns_are_renamed(cli: Cli) -> None:
    cli.write({"rows.csv": b"user_input,reference,other\nWhat?,That.,x\n"})
    done = cli("evalset", "import", "rows.csv", "named", "--columns", "question=user_input,ground_truth=reference")
    assert done.code == 0, done.err
    assert json.loads((cli.folder / "evalsets/named/cases.jsonl").read_bytes()) == {
        "id": "c00001",
        "question": "What?",
        "ground_truth": "That.",
    }
    assert "licence" in done.out


def test_a_path_is_one_from_the_folder_that_is_worked_in(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"data/rows.csv": b"question\nWhat?\n"})
    monkeypatch.chdir(cli.home)
    done = cli("evalset", "import", "rows.csv", "here", "-C", str(cli.folder / "data"))
    assert done.code == 0, done.err
    assert (cli.folder / "evalsets/here/cases.jsonl").is_file()


def test_every_bad_row_is_listed_with_its_line_and_nothing_is_written(cli: Cli) -> None:
    cli.write({"rows.csv": b"question,contexts\nWhat?,plain\n,[]\nWhy?\n"})
    before = cli.snapshot()
    done = cli("evalset", "import", "rows.csv", "bad")
    assert done.code == 1
    for line in (2, 3, 4):
        assert f"rows.csv:{line}" in done.out + done.err
    assert cli.snapshot() == before


def test_an_evalset_that_is_there_is_refused_without_force(cli: Cli) -> None:
    cli.write({"rows.csv": b"question\nWhat?\n"})
    before = cli.snapshot()
    done = cli("evalset", "import", "rows.csv", "lamp")
    assert (done.code, cli.snapshot()) == (1, before)
    assert "EVALSET_EXISTS" in done.err
    assert cli("evalset", "import", "rows.csv", "lamp", "--force", "--version", "2.0.0").code == 0
    assert "version: 2.0.0" in (cli.folder / "evalsets/lamp/evalset.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("none.csv", "x"), "SOURCE_MISSING"),
        (("acme/loans", "x"), "DATASET_REVISION"),
        (("acme/loans", "x", "--revision", "main"), "DATASET_REVISION"),
        (("rows.xlsx/..", "x"), "DATASET_NAME"),
        (("evalsets/lamp/cases.jsonl", "x", "--split", "test"), "USAGE"),
        (("evalsets/lamp/cases.jsonl", "x", "--revision", "0" * 40), "USAGE"),
        (("evalsets/lamp/cases.jsonl", "x", "--columns", "query=q"), "USAGE"),
        (("evalsets/lamp/cases.jsonl", "x", "--columns", "question"), "USAGE"),
        (("evalsets/lamp/cases.jsonl", "x", "--columns", "id=a,id=b"), "USAGE"),
        (("evalsets/lamp/cases.jsonl", "../x"), "USAGE"),
        (("evalsets/lamp/cases.jsonl", "x", "--version", "1"), "USAGE"),
    ],
)
def test_what_cannot_be_asked_is_named(cli: Cli, words: tuple[str, ...], code: str) -> None:
    before = cli.snapshot()
    done = cli("evalset", "import", *words)
    assert (done.code, cli.snapshot()) == (2, before)
    assert code in done.err


def test_offline_the_hub_cannot_be_asked_and_that_is_said(cli: Cli) -> None:
    before = cli.snapshot()
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(cli.home)}
    process = cli.popen("evalset", "import", "acme/loans", "x", "--revision", "0" * 40, env=offline)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "DATASET_UNAVAILABLE" in err
    assert "Traceback" not in err
    assert cli.snapshot() == before


async def test_a_dataset_of_the_hub_becomes_an_evalset_that_names_split_and_revision(cli: Cli) -> None:
    async with a_hub(cli.home / "hub") as hub:
        reached = {"HF_ENDPOINT": hub.url, "HF_HOME": str(hub.home), "HF_HUB_DISABLE_TELEMETRY": "1"}
        process = cli.popen("evalset", "import", "acme/mortgage", "loans", "--revision", COMMIT, env=reached)
        _, err = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 0, err
    manifest = (cli.folder / "evalsets/loans/evalset.yaml").read_text()
    assert f"dataset acme/mortgage of the Hugging Face hub, split train, revision {COMMIT}." in manifest
    cases = (cli.folder / "evalsets/loans/cases.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in (cases[0], cases[-1])] == ["c00001", "c00600"]
    assert cli("validate", "evalsets/loans").code == 0


def test_without_pyarrow_the_extra_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"rows.parquet": _parquet()})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = cli("evalset", "import", "rows.parquet", "x")
    assert done.code == 2
    assert "pip install 'llmops[eval]'" in done.err
