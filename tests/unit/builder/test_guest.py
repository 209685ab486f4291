# SPDX-License-Identifier: Apache-2.0
"""Guests: QEMU's command line, how an end is judged, and who is running. QEMU is a stand-in."""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder import accel, firmware, guest, uki
from builder.errors import BuildError
from builder.guest import ExitReport, Guest, GuestSpec
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

VERSION = "0.1.2"
NONCE = "nonce-1"
#: Guests of the test that runs, so that none of them outlives it.
STARTED: list[Guest] = []


@pytest.fixture
def image(
    paths: Paths, tree: HostTree, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Paths]:
    """A built image of nothing, and a QEMU that waits until it is stopped."""
    for folder in (paths.image_dir, paths.keys, paths.build / "uki"):
        folder.mkdir()
    paths.image(VERSION, ".raw").write_text("disk")
    (paths.image_dir / "latest").write_text(f"{VERSION}\n")
    (paths.keys / "ssh.pub").write_text("ssh-ed25519 AAAA operator\n")
    parts = paths.build / "uki"
    (parts / "cmdline").write_bytes(b"root=1 quiet\n\0")
    store = paths.build / "OVMF_VARS.fd"
    store.write_bytes(b"variables")
    monkeypatch.setattr(guest, "Tree", HostTree)
    monkeypatch.setattr(uki, "unpack", lambda paths, tree, version: parts)
    monkeypatch.setattr(accel, "choose", lambda paths, tree, kernel: "tcg")
    monkeypatch.setattr(firmware, "variables", lambda paths, tree: store)
    real_sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: real_sleep(min(seconds, 0.2)))
    programs.add("qemu-img", 'for last; do disk=$last2; last2=$last; done; : >"$disk"')
    _qemu(programs, "while :; do sleep 0.05; done")
    yield paths
    for left in STARTED:
        left.stop()
        if left._process is not None:
            left._process.wait(30)
    STARTED.clear()


def _qemu(programs: Programs, body: str) -> None:
    """QEMU whose body may use $dir, the folder of the guest."""
    find = "for w; do case $w in file:*) dir=${w#file:}; dir=${dir%/serial.log};; esac; done"
    programs.add("qemu-system-x86_64", f"{find}\n{body}")


def _started(paths: Paths, **more: object) -> Guest:
    STARTED.append(Guest.start(GuestSpec(name="t", **more), paths))  # type: ignore[arg-type]
    return STARTED[-1]


def _argv(paths: Paths, spec: GuestSpec, accelerator: str = "tcg") -> list[str]:
    found = Guest(paths, spec.name)._command(spec, accelerator, paths.build / "uki")
    return [str(word) for word in found]


def _after(argv: list[str], option: str) -> list[str]:
    return [argv[at + 1] for at, word in enumerate(argv) if word == option]


def test_direct_boot_gets_kernel_initrd_and_sealed_command_line(image: Paths) -> None:
    argv = _argv(image, GuestSpec("t", firmware="direct"))
    assert _after(argv, "-append") == ["root=1 quiet"]
    assert _after(argv, "-kernel") == [str(image.build / "uki/linux")]
    assert not any("pflash" in word for word in argv)


def test_a_guest_that_reboots(image: Paths) -> None:
    assert "-no-reboot" in _argv(image, GuestSpec("t"))
    assert "-no-reboot" not in _argv(image, GuestSpec("t", reboots=True))


def test_a_disk_that_is_served(image: Paths, programs: Programs) -> None:
    """It is the only disk, and what is flushed is passed on."""
    argv = _argv(image, GuestSpec("t", nbd=Path("/tmp/x/socket")))
    assert _after(argv, "-blockdev") == [
        "driver=nbd,node-name=disk,server.type=unix,server.path=/tmp/x/socket,discard=unmap"
    ]
    assert not any("disk.qcow2" in word for word in argv)
    assert "virtio-blk-pci,drive=disk,serial=codex-disk,bootindex=1" in argv
    started = _started(image, nbd=Path("/tmp/x/socket"), keep_disk=True)
    assert not (started.directory / "disk.qcow2").exists()
    assert programs.calls("qemu-img") == []


def test_firmware_boot_has_secure_flash_and_nothing_of_the_uki(image: Paths) -> None:
    argv = _argv(image, GuestSpec("t"))
    assert _after(argv, "-kernel") == _after(argv, "-append") == []
    assert _after(argv, "-machine") == ["q35,smm=on"]
    assert "driver=cfi.pflash01,property=secure,value=on" in _after(argv, "-global")
    flash = [word for word in _after(argv, "-drive") if "pflash" in word]
    assert [("readonly=on" in word) for word in flash] == [True, False]
    assert flash[1].endswith(f"file={image.guests}/t/vars.fd")


def test_resources_and_ports(image: Paths) -> None:
    spec = GuestSpec("t", https_port=4000, ssh_port=4001, memory_mib=3000, cpus=3)
    argv = _argv(image, spec)
    assert _after(argv, "-smp") == ["3"]
    assert _after(argv, "-m") == ["3000"]
    (network,) = _after(argv, "-netdev")
    assert network.split(",")[2:] == [
        "hostfwd=tcp:127.0.0.1:4000-:3030",
        "hostfwd=tcp:127.0.0.1:4001-:22",
    ]


@pytest.mark.parametrize(
    ("name", "words"), [("kvm", ["kvm", "host"]), ("tcg", ["tcg,thread=multi", "max"])]
)
def test_accelerator(image: Paths, name: str, words: list[str]) -> None:
    argv = _argv(image, GuestSpec("t"), name)
    assert [*_after(argv, "-accel"), *_after(argv, "-cpu")] == words


def test_credentials_are_carried_whole(image: Paths) -> None:
    secret = bytes(range(256)) + b",,value=\n"
    argv = _argv(image, GuestSpec("t", credentials={"codex.token": secret}, exit_nonce=NONCE))
    found = {}
    for word in _after(argv, "-smbios"):
        kind, text = word.removeprefix("type=11,value=io.systemd.credential.").split(":", 1)
        assert kind == "binary"
        assert "," not in text
        name, value = text.split("=", 1)
        found[name] = base64.b64decode(value)
    assert found["codex.token"] == secret
    assert found["ssh.authorized_keys.root"] == b"ssh-ed25519 AAAA operator\n"
    unit = found["systemd.extra-unit.codex-exit.service"].decode()
    assert f'printf "%%s\\n" {NONCE} >/dev/virtio-ports/codex.exit' in unit
    assert "Requires=boot-complete.target" in unit
    assert b"Wants=codex-exit.service" in found["systemd.unit-dropin.codex-health.service"]


def test_without_a_nonce_no_unit_ends_the_guest(image: Paths) -> None:
    assert "codex-exit" not in " ".join(_argv(image, GuestSpec("t")))


def test_command_is_no_shell(image: Paths, programs: Programs) -> None:
    found = _started(image, credentials={"x": b"$(touch /tmp/never)"})
    assert found.pid is not None
    words = Path(f"/proc/{found.pid}/cmdline").read_bytes().split(b"\0")
    assert b"codex-t" in words


def test_state_is_written_in_one_step_and_found_again(image: Paths) -> None:
    started = _started(image, https_port=4000)
    found = Guest.attach("t", image)
    assert found is not None
    assert found.pid == started.pid
    assert found.url == "https://127.0.0.1:4000"
    assert not list(found.directory.glob("*.new"))
    found.stop()
    assert Guest.attach("t", image) is None


def test_same_guest_is_not_started_twice(image: Paths) -> None:
    _started(image)
    with pytest.raises(BuildError, match="already running"):
        _started(image)


def test_process_that_took_the_number_is_not_our_guest(image: Paths) -> None:
    folder = image.guests / "t"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"pid": os.getpid()}))
    assert Guest.attach("t", image) is None


def test_other_image_of_the_same_version_is_another_image(image: Paths) -> None:
    running = _started(image)
    assert running.boots(VERSION)
    new = image.image_dir / "new"
    new.write_text("other")
    new.replace(image.image(VERSION, ".raw"))
    assert not running.boots(VERSION)
    assert not running.boots("0.1.3")


def test_no_image(image: Paths) -> None:
    (image.image_dir / "latest").unlink()
    with pytest.raises(BuildError, match="no image to boot") as error:
        _started(image)
    assert "make image" in error.value.hint


def test_qemu_that_does_not_start_is_told_with_its_words(image: Paths, programs: Programs) -> None:
    _qemu(programs, "echo 'could not set up host forwarding'; exit 1")
    with pytest.raises(BuildError, match="QEMU did not start") as error:
        _started(image)
    assert "could not set up host forwarding" in error.value.hint
    assert Guest.attach("t", image) is None


def test_serial_log_is_waited_for(image: Paths, programs: Programs) -> None:
    _qemu(programs, 'sleep 0.6; echo "codex-verdict: healthy v=1" >"$dir/serial.log"; sleep 60')
    found = _started(image).wait_for_serial(r"codex-verdict: (\w+)", 30)
    assert found[1] == "healthy"


def test_line_that_was_written_before_the_end_still_counts(
    image: Paths, programs: Programs
) -> None:
    _qemu(programs, 'sleep 0.5; echo last words >"$dir/serial.log"')
    started = _started(image)
    assert started._process is not None
    started._process.wait()
    assert started.wait_for_serial("last words", 30)


def test_qemu_that_dies_ends_the_waiting_with_the_end_of_the_console(
    image: Paths, programs: Programs
) -> None:
    _qemu(programs, 'echo "Kernel panic" >"$dir/serial.log"; sleep 0.5; exit 1')
    with pytest.raises(BuildError, match="The guest t ended") as error:
        _started(image).wait_for_serial("codex-verdict", 3600)
    assert "Kernel panic" in error.value.hint


def test_time_that_is_over(image: Paths) -> None:
    with pytest.raises(BuildError, match=r"did not show 'x' within 0 s"):
        _started(image).wait_for_serial("x", 0)


def _ended(image: Paths, programs: Programs, body: str, nonce: str | None = NONCE) -> ExitReport:
    _qemu(programs, f"sleep 0.4; {body}")
    return _started(image, exit_nonce=nonce).wait_exit(30)


def test_nonce_and_a_clean_end_are_success(image: Paths, programs: Programs) -> None:
    assert _ended(image, programs, f'echo {NONCE} >"$dir/exit"').status == 123


@pytest.mark.parametrize(
    "body",
    [
        "true",
        'echo wrong >"$dir/exit"',
        f'echo {NONCE}x >"$dir/exit"',
        f'printf "{NONCE}\\n{NONCE}\\n" >"$dir/exit"',
        f'echo {NONCE} more >"$dir/exit"',
        f'echo {NONCE} >"$dir/exit"; exit 1',
        f'echo {NONCE} >"$dir/exit"; kill -9 $$',
        'printf "\\377" >"$dir/exit"',
        "exit 123",
    ],
)
def test_anything_else_is_none(image: Paths, programs: Programs, body: str) -> None:
    report = _ended(image, programs, body)
    assert report.status is None
    assert "QEMU ended with status" in report.reason


def test_without_a_nonce_nothing_is_success(image: Paths, programs: Programs) -> None:
    assert _ended(image, programs, 'echo >"$dir/exit"', nonce=None).status is None
    assert _ended(image, programs, 'echo None >"$dir/exit"', nonce=None).status is None


def test_guest_that_hangs_is_no_success(image: Paths) -> None:
    started = _started(image, exit_nonce=NONCE)
    (started.directory / "exit").write_text(NONCE)
    assert started.wait_exit(0.1) == ExitReport(None, "it still ran after 0 s")


def test_only_who_started_a_guest_waits_for_its_end(image: Paths) -> None:
    _started(image)
    attached = Guest.attach("t", image)
    assert attached is not None
    with pytest.raises(BuildError, match="Only the process that started"):
        attached.wait_exit(1)


def test_guest_that_does_not_listen_to_its_end_is_ended(
    image: Paths, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _qemu(programs, "trap '' TERM; while :; do sleep 0.05; done")
    started = _started(image)
    clock = iter(range(0, 10_000, 6))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    started.stop()
    assert started.pid is None
    started.stop()


def test_new_start_forgets_the_old_disk_unless_it_is_kept(image: Paths) -> None:
    first = _started(image)
    (first.directory / "disk.qcow2").write_text("written")
    (first.directory / "serial.log").write_text("old")
    first.stop()
    second = _started(image, keep_disk=True)
    assert (second.directory / "disk.qcow2").read_text() == "written"
    assert second.serial_text() == ""
    second.stop()
    assert (_started(image).directory / "disk.qcow2").read_text() == ""


def test_kept_folder_keeps_what_was_put_there_before_the_first_start(image: Paths) -> None:
    folder = image.guests / "t"
    folder.mkdir(parents=True)
    (folder / "vars.fd").write_text("variables of another machine")
    assert _started(image, keep_disk=True).directory == folder
    assert (folder / "vars.fd").read_text() == "variables of another machine"
    assert (folder / "disk.qcow2").exists()


def test_ssh_trusts_only_the_key_that_the_console_named(image: Paths, programs: Programs) -> None:
    _qemu(programs, 'echo "codex-host-key: ssh-ed25519 AAAAhost" >"$dir/serial.log"; sleep 60')
    programs.add("ssh", "echo hello")
    started = _started(image, ssh_port=4001)
    assert started.ssh(["true"], 30).stdout == "hello\n"
    known = started.directory / "known_hosts"
    assert known.read_text() == "[127.0.0.1]:4001 ssh-ed25519 AAAAhost\n"
    config = started.ssh_config.read_text()
    assert "StrictHostKeyChecking yes" in config
    assert f"UserKnownHostsFile {known}" in config
    assert started.ssh_config.stat().st_mode & 0o077 == 0


def test_token_that_is_none_is_told(image: Paths, programs: Programs) -> None:
    _qemu(programs, 'echo "codex-host-key: ssh-ed25519 AAAAhost" >"$dir/serial.log"; sleep 60')
    programs.add("ssh", "exit 255")
    with pytest.raises(BuildError, match="did not give its token"):
        _ = _started(image).token
