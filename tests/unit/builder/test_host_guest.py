# SPDX-License-Identifier: Apache-2.0
"""Plain hosts as guests: QEMU's command line, their ports, firmware and end. QEMU is a stand-in."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder import accel, firmware, guest, host_guest, host_run, keys, preflight
from builder.errors import BuildError
from builder.host_disk import HostDisk
from builder.host_guest import HostGuest, HostSpec, specification
from builder.paths import Paths
from builder.settings import Settings

from tests.unit.builder.conftest import HostTree, Programs

KEY = "ssh-ed25519 AAAAC3Nza"
SERIAL = f"Welcome to Debian\ncodex-host-key: {KEY}\n"
STARTED: list[HostGuest] = []
START = HostGuest.start_host


@pytest.fixture
def made(
    paths: Paths, tree: HostTree, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Paths]:
    """A disk of nothing, and a QEMU that tells a key and waits until it is stopped."""
    for suite in ("trixie", "bookworm"):
        folder = HostDisk(paths, tree, suite).folder
        folder.mkdir(parents=True)
        (folder / "disk.raw").write_text("disk")
    store = paths.tools / firmware.EMPTY_VARIABLES.relative_to("/")
    store.parent.mkdir(parents=True)
    store.write_text(store.name)
    paths.keys.mkdir()
    monkeypatch.setattr(guest, "Tree", HostTree)
    monkeypatch.setattr(accel, "choose", lambda paths, tree, kernel: "tcg")
    real_sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: real_sleep(min(seconds, 0.2)))
    programs.add("qemu-img", 'for last; do disk=$last2; last2=$last; done; : >"$disk"')
    find = "for w; do case $w in file:*) log=${w#file:};; esac; done"
    wait = "while :; do sleep 0.05; done"
    programs.add("qemu-system-x86_64", f"{find}\nprintf '{SERIAL}' >\"$log\"\n{wait}")
    programs.add("ssh")
    yield paths
    for left in STARTED:
        left.stop()
        if left._process is not None:
            left._process.wait(30)
    STARTED.clear()


def _argv(paths: Paths, spec: HostSpec) -> list[str]:
    return [str(word) for word in HostGuest(paths, spec.name)._command(spec, "tcg", paths.build)]


def _start(paths: Paths, spec: HostSpec) -> HostGuest:
    STARTED.append(START(spec, paths))
    return STARTED[-1]


def test_only_ssh_is_forwarded_and_only_from_this_machine(made: Paths) -> None:
    argv = _argv(made, specification("h", ssh_port=4022))
    [network] = [word for word in argv if word.startswith("user,")]
    assert network == "user,id=net,hostfwd=tcp:127.0.0.1:4022-:22"


def test_it_survives_a_restart_of_its_own(made: Paths) -> None:
    """A kernel upgrade is nothing without one."""
    assert "-no-reboot" not in _argv(made, specification("h"))


def test_it_is_given_nothing_from_outside(made: Paths) -> None:
    """A credential would be a difference from other hosts."""
    assert "-smbios" not in _argv(made, specification("h"))


def test_without_a_port_each_gets_one_that_is_free() -> None:
    first, second = specification("a"), specification("b")
    for port in (first.ssh_port, second.ssh_port):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_firmware_has_no_key_unless_it_is_asked_for(made: Paths) -> None:
    started = _start(made, specification("h"))
    assert (started.directory / "vars.fd").read_text() == "OVMF_VARS_4M.fd"


def test_secure_boot_has_the_vendors_keys_and_ours_for_modules(
    made: Paths, programs: Programs
) -> None:
    find = 'for w; do [ "$last" = --output ] && out=$w; last=$w; done'
    programs.add("virt-fw-vars", f'{find}\necho both >"$out"')
    started = _start(made, specification("h", secure_boot=True))
    assert (started.directory / "vars.fd").read_text() == "both\n"
    [call] = programs.calls("virt-fw-vars")
    assert f"--input {host_guest.VENDOR_VARIABLES} " in call
    assert call.endswith(f"--add-db {firmware.OWNER} {made.keys / 'modules.crt'}")


def test_each_start_has_a_new_copy_of_the_disk(made: Paths, programs: Programs) -> None:
    started = _start(made, specification("h", "bookworm"))
    [call] = programs.calls("qemu-img")
    assert f"-b {HostDisk(made, started.tree, 'bookworm').made.disk} " in call
    started.stop()
    _start(made, specification("h", "bookworm"))
    assert len(programs.calls("qemu-img")) == 2


def test_its_disk_is_kept_where_that_is_asked_for(made: Paths, programs: Programs) -> None:
    _start(made, specification("h")).stop()
    _start(made, specification("h", keep_disk=True))
    assert len(programs.calls("qemu-img")) == 1


def test_key_of_the_console_is_the_one_that_counts(made: Paths, programs: Programs) -> None:
    started = _start(made, specification("h", ssh_port=4022))
    started.wait_until_up(30)
    assert (started.directory / "known_hosts").read_text() == f"[127.0.0.1]:4022 {KEY}\n"
    config = started.ssh_config.read_text()
    assert "User admin" in config
    assert "StrictHostKeyChecking yes" in config
    assert programs.calls("ssh")


def test_key_that_is_still_being_written_is_waited_for(made: Paths, programs: Programs) -> None:
    find = "for w; do case $w in file:*) log=${w#file:};; esac; done"
    half, rest = f"codex-host-key: {KEY[:-4]}", f"{KEY[-4:]}\\n"
    slowly = f"printf '{half}' >\"$log\"; sleep 3; printf '{rest}' >>\"$log\"; sleep 60"
    programs.add("qemu-system-x86_64", f"{find}\n{slowly}")
    started = _start(made, specification("h", ssh_port=4022))
    started.pin_host_key(30)
    assert (started.directory / "known_hosts").read_text() == f"[127.0.0.1]:4022 {KEY}\n"


def test_host_that_takes_no_login_is_an_error(made: Paths, programs: Programs) -> None:
    programs.add("ssh", "echo denied >&2; exit 255")
    started = _start(made, specification("h"))
    with pytest.raises(BuildError, match="takes no login") as caught:
        started.wait_until_up(30)
    assert "denied" in caught.value.hint


def test_it_is_not_started_twice(made: Paths) -> None:
    _start(made, specification("h"))
    with pytest.raises(BuildError, match="already running"):
        HostGuest.start_host(specification("h"), made)


def test_without_a_disk_there_is_a_sentence(made: Paths, tree: HostTree) -> None:
    HostDisk(made, tree, "trixie").made.disk.unlink()
    with pytest.raises(BuildError, match="There is no disk of a plain Debian trixie"):
        HostGuest.start_host(specification("h"), made)
    assert not (made.guests / "h").exists()


def test_removal_ends_it_and_leaves_nothing(made: Paths) -> None:
    started = _start(made, specification("h"))
    pid = started.pid
    assert pid is not None
    started.remove()
    assert not started.directory.exists()
    assert started._process is not None
    assert started._process.poll() is not None
    started.remove()


def test_make_host_takes_another_port_when_the_usual_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preflight, "port_taken", lambda number: number == 3022)
    assert host_run._spec(Settings(), "trixie").ssh_port not in {0, 3022}
    assert host_run._spec(Settings(ssh_port=4022), "trixie").ssh_port == 4022


def test_make_host_says_that_a_port_that_was_asked_for_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preflight, "port_taken", lambda number: True)
    with pytest.raises(BuildError, match=r"Port 4022 on 127\.0\.0\.1 is already taken"):
        host_run._spec(Settings(ssh_port=4022), "trixie")


def test_make_host_boots_no_scenario_that_is_no_release(paths: Paths) -> None:
    with pytest.raises(BuildError, match="There is no plain host hardships") as caught:
        host_run.start(paths, Settings(suite="hardships"))
    assert caught.value.code == 2


def test_make_host_says_how_to_reach_it(
    made: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(host_run, "Tree", HostTree)
    monkeypatch.setattr(HostTree, "ensure", lambda self: None)
    monkeypatch.setattr(keys, "ensure", lambda paths, tree: None)
    monkeypatch.setattr(HostDisk, "ensure", lambda self: self.made)
    monkeypatch.setattr(host_run, "packages", lambda paths, tree, suite: f"of={suite}\n")
    monkeypatch.setattr(HostGuest, "start_host", lambda spec, paths: _start(paths, spec))
    host_run.start(made, Settings(suite="bookworm", ssh_port=host_guest.free_port()))
    running = HostGuest(made, host_run.NAME)
    said = capsys.readouterr().out
    assert "A plain Debian bookworm is running" in said
    assert f"ssh -i keys/ssh -p {running.state['ssh_port']}" in said
    line = host_run.inventory(running, made)
    hosts = running.directory / "hosts"
    assert f"ansible-playbook -i {hosts.relative_to(made.root)} playbooks/host.yml" in said
    assert hosts.read_text() == f"{line}\n\n[all:vars]\nof=bookworm\n"
    assert line.startswith("plain ansible_host=127.0.0.1 ")
    assert f"ansible_ssh_private_key_file={made.keys / 'ssh'}" in line
    assert Path(line.split("UserKnownHostsFile=")[1].strip("'")).exists()
    # A second time it is only told again.
    host_run.start(made, Settings())
    assert "A plain Debian bookworm is running already" in capsys.readouterr().out
    assert host_run.stop(made)
    assert not host_run.stop(made)
