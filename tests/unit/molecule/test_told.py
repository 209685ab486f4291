# SPDX-License-Identifier: Apache-2.0
"""The callback writes down what Ansible really does: ansible-playbook runs a small playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.molecule import left

ROOT = Path(__file__).parents[3]
PLAYBOOK = """\
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Write
      ansible.builtin.copy: {content: "x", dest: "FOLDER/x", mode: "0600"}
      notify: Tell
    - name: Each
      ansible.builtin.command: {argv: ["true", "{{ item }}"]}
      loop: [one, two]
      changed_when: item == 'two'
    - name: Never
      ansible.builtin.command: {argv: ["false"]}
      when: false
    - name: Fails
      ansible.builtin.command: {argv: ["false"]}
      ignore_errors: true
      changed_when: false
    - name: Think
      ansible.builtin.debug: {msg: x}
  handlers:
    - name: Tell
      ansible.builtin.debug: {msg: told}
"""


@pytest.fixture
def play(tmp_path: Path) -> Path:
    (tmp_path / "converge.yml").write_text(PLAYBOOK.replace("FOLDER", str(tmp_path)))
    return tmp_path


def _play(folder: Path, *words: str, told: str | None = "told") -> None:
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/molecule/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "told",
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "CODEX_ROOT": str(folder),
    }
    environment.pop("CODEX_TOLD", None)
    if told:
        environment["CODEX_TOLD"] = str(folder / told)
    done = subprocess.run(
        [program, "-i", "localhost,", *words, folder / "converge.yml"],
        env=environment, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]: Callback" not in done.stderr


def test_a_dry_run_a_run_and_one_more(play: Path) -> None:
    for words in (["--check"], [], []):
        _play(play, *words)
    first, second, third = left.runs(play)
    assert [run.check for run in (first, second, third)] == [True, False, False]
    assert [told.task for told in first.changed] == ["Write"]
    assert [(t.task, t.item) for t in second.changed] == [("Write", ""), ("Each", "two")]
    assert [(t.task, t.item) for t in third.changed] == [("Each", "two")]
    assert {told.path for told in second.told} == {"converge.yml"}
    took = json.loads(sorted((play / "told").iterdir())[1].read_text())["took"]
    assert sorted(e["task"] for e in took) == ["Each", "Fails", "Tell", "Think", "Write"]
    seconds = [entry["s"] for entry in took]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[-1] >= 0
    assert second.cpu_s > 0


def test_handlers_and_outcomes_are_told_apart(play: Path) -> None:
    _play(play)
    [run] = left.runs(play)
    by_name = {(told.task, told.item): told for told in run.told}
    assert by_name["Tell", ""].handler
    assert not by_name["Write", ""].handler
    assert by_name["Never", ""].outcome == "skipped"
    assert by_name["Fails", ""].outcome == "ignored"
    # Write, two items of Each, Fails.
    assert run.round_trips == 4


def test_nothing_is_written_where_nobody_asks(play: Path) -> None:
    _play(play, told=None)
    assert not (play / "told").exists()
