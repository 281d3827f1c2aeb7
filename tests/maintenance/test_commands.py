"""Backup, restore and prune as a person at a shell has them."""

import json

from tests.support.workstation import new_workstation


def test_a_restore_waits_for_active_runs_and_brings_back_what_was() -> None:
    with new_workstation() as workstation:
        backup = str(workstation.home.parent / "backup")
        assert b"holds no backup" in workstation.run("restore", backup, code=66).stderr
        workstation.run("run", "shell", "-m", "echo kept")
        assert b"of it new" in workstation.run("backup", backup).stdout
        later = workstation.detach("sleep 600")
        workstation.until(lambda: workstation.phase(later) == "EXECUTION_IN_PROGRESS", "it runs")
        refused = workstation.run("restore", backup, "--replace", code=79).stderr
        assert b"1 run is active" in refused
        workstation.run("cancel", later)
        workstation.until(lambda: workstation.phase(later) == "EXECUTION_CANCELLED", "it has ended")
        assert b"holds a store already" in workstation.run("restore", backup, code=73).stderr
        assert (
            b"kept"
            in workstation.run(
                "logs", json.loads(workstation.run("get", "executions", "-o", "json").stdout)[-1]["executionId"]
            ).stdout
        )
        assert b"what was there before is in" in workstation.run("restore", backup, "--replace").stdout
        rows = json.loads(workstation.run("get", "executions", "-o", "json").stdout)
        assert [row["subject"] for row in rows] == ["echo kept"]
        assert workstation.run("logs", rows[0]["executionId"]).stdout == b"kept\n"
        found = json.loads(workstation.run("verify", "--json").stdout)
        assert found["problems"] == []
        (workstation.home.parent / "backup" / "state.fs").write_bytes(b"FS30 and nothing else")
        assert b"truncated" in workstation.run("verify", backup, code=1).stdout
        refused = workstation.run("restore", backup, "--replace", code=65).stderr
        assert b"truncated" in refused
        assert b"runs again with what it had" in refused
        assert b"healthy" in workstation.run("server", "status").stdout
        assert workstation.run("logs", rows[0]["executionId"]).stdout == b"kept\n"


def test_prune_takes_what_is_like_that_and_nothing_else() -> None:
    with new_workstation() as workstation:
        assert b"say which runs" in workstation.run("prune", code=64).stderr
        assert b"no run" in workstation.run("prune", "--keep-last", "0").stdout
        for line in ("echo one", "printf '%5000s' two", "echo three"):
            workstation.run("run", "shell", "-m", line)
        active = workstation.detach("sleep 600")

        def subjects(*arguments: str) -> list[str]:
            return [row["subject"] for row in json.loads(workstation.run(*arguments).stdout)]

        dry = ("prune", "--dry-run", "--json")
        assert subjects(*dry, "--older-than", "1h") == []
        assert subjects(*dry, "--larger-than", "4kB") == ["printf '%5000s' two"]
        assert subjects(*dry, "--keep-last", "1") == ["printf '%5000s' two", "echo one"]
        assert subjects(*dry, "--label", "team=docs") == []
        assert (
            b"1 run with 5.0 kB would be deleted"
            in workstation.run("prune", "--larger-than", "4kB", "--dry-run").stdout
        )
        assert b"1 run with 5.0 kB deleted" in workstation.run("prune", "--larger-than", "4kB").stdout
        assert subjects("get", "executions", "-o", "json") == ["sleep 600", "echo three", "echo one"]
        assert workstation.run("prune", "--keep-last", "0", "--dry-run").stdout.count(b"A PACK GIVES BACK") == 1
        pruned = workstation.run("prune", "--keep-last", "0", "--yes", "--pack").stdout
        assert b"2 runs" in pruned
        assert b"came back" in pruned
        assert {path.name for path in (workstation.home / "data").glob("*.fs")} == {"state.2.fs", "events.2.fs"}
        assert b"events: " in workstation.run("pack").stdout
        status = workstation.run("server", "status").stdout
        assert b"disk     resources" in status
        assert b"nothing is deleted by itself" in status
        assert subjects("get", "executions", "-o", "json") == ["sleep 600"]
        workstation.run("cancel", active)
