# SPDX-License-Identifier: Apache-2.0
"""Writes down what each task of a run says: what it announces in a dry run, what it changes else.

A file for each run of a playbook against hosts, in the folder that ``CODEX_TOLD`` names, numbered
in the order of the runs. Without that variable nothing is written.
"""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import Any, ClassVar

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: told
type: notification
short_description: what each task announces or changes
description:
  - Writes one JSON file for each run into the folder that E(CODEX_TOLD) names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # Ansible has no types
    """Collects results; ``items`` of a loop count as results of their own."""

    CALLBACK_VERSION: ClassVar[float] = 2.0
    CALLBACK_TYPE: ClassVar[str] = "notification"
    CALLBACK_NAME: ClassVar[str] = "told"
    CALLBACK_NEEDS_ENABLED: ClassVar[bool] = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._playbook = ""
        self._results: list[dict[str, Any]] = []
        self._handlers: set[str] = set()
        self._began: dict[tuple[str, str], float] = {}
        self._took: list[dict[str, Any]] = []
        self._started = time.monotonic()

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Remember which playbook runs."""
        self._playbook = Path(playbook._file_name).name

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Remember which tasks are handlers: they follow from what others change."""
        self._handlers.add(task._uuid)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Remember when a host was asked."""
        self._began[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task that was done, or all items of one."""
        self._keep(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task that failed."""
        self._keep(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task that did not apply."""
        self._keep(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host that did not answer."""
        self._keep(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write everything down, under the next number."""
        del stats
        folder = os.environ.get("CODEX_TOLD")
        if not folder or not self._results:
            return
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        number = len(list(place.glob("*.json"))) + 1
        own, children = (resource.getrusage(who) for who in (
            resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip
        found = {
            "playbook": self._playbook,
            "check": bool(context.CLIARGS.get("check")),
            "wall_s": round(time.monotonic() - self._started, 3),
            "cpu_s": round(sum(u.ru_utime + u.ru_stime for u in (own, children)), 3),
            "results": self._results,
            # Seconds until a task came to its end, whatever it had to do; the longest first.
            "took": sorted(self._took, key=lambda entry: -entry["s"]),
        }
        new = place / ".new"
        new.write_text(json.dumps(found, indent=1))
        new.replace(place / f"{number:02d}-{'check' if found['check'] else 'run'}.json")

    def _keep(self, result: Any, outcome: str) -> None:
        task, facts = result._task, result._result
        about = {
            "host": result._host.get_name(),
            "task": task.get_name(),
            "path": _relative(task.get_path() or ""),
            "action": task.resolved_action or task.action,
            "handler": task._uuid in self._handlers,
        }
        began = self._began.pop((about["host"], task._uuid), None)
        if began is not None and outcome != "skipped":
            took = round(time.monotonic() - began, 3)
            whose = {name: about[name] for name in ("host", "task", "path")}
            self._took.append({**whose, "s": took})
        items = facts.get("results") if task.loop is not None or "results" in facts else None
        if isinstance(items, list) and all(isinstance(item, dict) for item in items) and items:
            for item in items:
                said = "skipped" if item.get("skipped") else outcome
                label = str(item.get("_ansible_item_label", item.get("item", "")))
                self._results.append(
                    {**about, "item": label, "outcome": said, "changed": bool(item.get("changed"))}
                )
        else:
            changed = bool(facts.get("changed"))
            self._results.append({**about, "item": "", "outcome": outcome, "changed": changed})


def _relative(path: str) -> str:
    """``/…/roles/host_base/tasks/ssh.yml:4`` -> ``roles/host_base/tasks/ssh.yml``."""
    name = path.rpartition(":")[0]
    root = os.environ.get("CODEX_ROOT", "")
    return name.removeprefix(f"{root}/") if root else name
