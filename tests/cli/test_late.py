import subprocess
import sys

from llmops.cli.late import late_door


def test_a_door_that_nobody_asks_brings_no_event_loop_along(tmp_path):
    code = (
        "import sys, pathlib; from llmops.cli.late import late_door; late_door(pathlib.Path(sys.argv[1]), {});"
        "sys.exit('asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0


def test_a_door_that_is_asked_is_open(tmp_path):
    door = late_door(tmp_path, {})
    assert door.at_once("nobody") == 0
    assert door.calls == 0
