"""A folder of work that may be gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ontograft.errors import OptionError
from ontograft.jobs.resumable import Run


def test_a_run_that_is_gone_on_with_keeps_what_is_there_and_must_be_the_same(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", {"seed": 1})
    run.enter(resume=True)
    (run.folder / "checkpoint").touch()
    run.enter(resume=True)
    assert (run.folder / "checkpoint").exists()
    with pytest.raises(OptionError, match="another seed"):
        Run(run.folder, {"seed": 2}).enter(resume=True)
    assert (run.folder / "checkpoint").exists()


def test_a_run_begun_anew_leaves_nothing_for_a_later_one_to_go_on_with(tmp_path: Path) -> None:
    Run(tmp_path / "run", {"seed": 1}).enter(resume=False)
    (tmp_path / "run" / "metrics.json").touch()
    run = Run(tmp_path / "run", {"seed": 2})
    run.enter(resume=False)
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]
    run.check()
