# SPDX-License-Identifier: Apache-2.0
"""What differs from the default of a version, and what could not be looked at."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import verify as command
from codex_agent.host.plain import plain as as_json
from codex_agent.state import layer, reset
from codex_agent.state.verify import verify
from tests.unit.agent import trees
from tests.unit.agent.state.conftest import ENTRY, KERNEL, RESET_WORDS, WORDS, program

if TYPE_CHECKING:
    from codex_agent.state.model import Difference
    from tests.unit.agent.trees import Tree

REPOSITORY = Path(__file__).resolve().parents[4]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBgbSiIP2O4pnN/eVYkhFMxZ1gSy8+eoTyUGsGz2ESDw me@home"


def only(tree: Tree) -> Difference:
    found = verify(tree.root)
    assert found.unread == []
    (difference,) = found.differences
    assert found.answer == "differs"
    return difference


def test_image_as_its_version_has_it(image: Tree) -> None:
    found = verify(image.root)
    assert (found.answer, found.differences, found.unread) == ("no difference", [], [])
    assert (found.delivery, found.version) == ("image", "0.1.57")
    assert found.compared > 20
    assert "no difference" in command.text(found)


def test_host_as_its_packages_have_it(plain: Tree) -> None:
    found = verify(plain.root)
    assert (found.answer, found.differences, found.unread) == ("no difference", [], [])


def test_what_a_delivery_does_not_promise_is_declared_and_is_no_difference(plain: Tree) -> None:
    found = verify(plain.root)
    assert [entry.what for entry in found.declared] == [
        "seal", "updates", "firmware", "modules", "network",
    ]  # fmt: skip
    assert "Not promised by this delivery:\n  seal: its root has no dm-verity" in (
        command.text(found)
    )


def test_an_image_promises_all(image: Tree) -> None:
    found = verify(image.root)
    assert found.declared == []
    assert "Not promised" not in command.text(found)


@pytest.mark.parametrize(("name", "content", "says", "settings"), [
    ("hostname", "gpu-1\n", "name of the host", [("hostname", "codex", "gpu-1")]),
    ("hostname", "gpu 1\n", "NOT VALID", [("hostname", "codex", "gpu 1")]),
    ("agent.toml", '[log]\nlevel = "debug"\n', "settings of the agent",
     [("log.level", '"info"', '"debug"')]),
    ("agent.toml", '[log]\nlevel = "info"\n', "settings of the agent", []),
    ("agent.toml", "[log\n", "NOT VALID", []),
    ("agent.toml", "[new]\nx = 1\n", "NOT VALID", []),
    ("update.toml", '[update]\nmode = "apply"\nwindow = "Sat 02:00-04:00"\n', "policy of updates",
     [("update.mode", '"notify"', '"apply"'), ("update.window", '""', '"Sat 02:00-04:00"')]),
    ("ssh/root", f"# mine\n{KEY}\n", "may log in as root: ssh-ed25519 SHA256:", []),
    ("ssh/root", "nonsense\n", "NOT VALID", []),
    ("network/50-lan.network", "[Match]\nName=eth0\n", "network", []),
    ("network/50-lan.network.d/mtu.conf", "[Link]\nMTUBytes=9000\n", "added to a file", []),
    ("probes.d/rails.toml", 'argv = ["/usr/bin/true", "x"]\nrequired = true\n',
     "starts /usr/bin/true, a boot is bad when it fails", []),
    ("probes.d/rails.toml", "argv = ", "not valid and sets nothing", []),
    ("fleet.toml", "x = 1\n", "a file that this version does not know", []),
    ("ssh/.root.swp", "", "a file that this version does not know", []),
])  # fmt: skip
def test_a_file_of_the_layer(
    image: Tree, name: str, content: str, says: str, settings: list[tuple[str, str, str]]
) -> None:
    image.path("/etc/codex/probes.d").mkdir(exist_ok=True)
    image.put(f"/etc/codex/{name}", content)
    found = only(image)
    assert (found.area, found.place) == ("layer", f"/etc/codex/{name}")
    assert says in found.message
    assert [(s.name, s.default, s.value) for s in found.settings] == settings
    assert found.lasts


def test_a_file_that_covers_one_of_the_image(image: Tree) -> None:
    image.put("/usr/lib/systemd/network/80-codex-ethernet.network", "[Match]\nName=*\n")
    image.put("/etc/codex/network/80-codex-ethernet.network", "[Match]\nName=*\n")
    assert "takes the place of /usr/lib/systemd/network/80-" in only(image).message


def test_each_folder_of_the_layer_is_made() -> None:
    """Nobody has to make one before laying a file there."""
    text = (REPOSITORY / "images/tree/usr/lib/tmpfiles.d/codex-image.conf").read_text()
    made = re.findall(r"^d /var/lib/codex/config/?(\S*) 0755 root root$", text, re.MULTILINE)
    assert sorted(made) == sorted(layer.FOLDERS)


def test_secrets_are_not_shown(image: Tree) -> None:
    content = (
        '[update]\nsource = "https://me:pa55@h/x?token=s3cret"\n'
        'drain_before = [["/usr/bin/drain", "--token", "s3cret"], ["/usr/bin/x"]]\n'
    )
    image.put("/etc/codex/update.toml", content)
    image.put("/etc/codex/network/9-wg.netdev", "[WireGuard]\nPrivateKey=s3cret\n")
    image.put("/run/credentials/@system/codex.token", "s3cret")
    found = verify(image.root)
    said = command.text(found) + str(as_json(found))
    assert "/usr/bin/drain" in said
    assert "https://…@h/x" in said
    assert "credential codex.token" in said
    assert "pa55" not in said
    assert "s3cret" not in said


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o4755])
def test_rights_of_a_file(image: Tree, mode: int) -> None:
    image.put("/etc/codex/hostname", "gpu-1\n")
    image.path("/etc/codex/hostname").chmod(mode)
    kinds = {difference.kind for difference in verify(image.root).differences}
    assert kinds == {"added", "rights"}


def test_rights_of_a_folder(image: Tree) -> None:
    image.path("/etc/codex/ssh").chmod(0o777)
    assert only(image).kind == "rights"


def test_somebody_elses_file(image: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex_agent.state.layer._OWNER", os.geteuid() + 1)
    kinds = [difference.kind for difference in verify(image.root).differences]
    assert kinds == ["rights", "rights"]  # the two folders


def test_a_link_and_a_pipe(image: Tree) -> None:
    image.link("/etc/codex/hostname", "/nowhere")
    os.mkfifo(image.path("/etc/codex/agent.toml"))
    found = {d.place: d.kind for d in verify(image.root).differences}
    assert found == {"/etc/codex/hostname": "link", "/etc/codex/agent.toml": "unknown"}


def test_names_that_are_no_text(image: Tree) -> None:
    image.put("/etc/codex/\x1b[31mred", "x")
    assert "\x1b" not in command.text(verify(image.root))


def test_a_layer_without_end(image: Tree) -> None:
    image.path("/etc/codex/network/" + "a/" * 12).mkdir(parents=True)
    found = verify(image.root)
    assert [entry.reason for entry in found.unread] == ["it lies too deep"]


@pytest.mark.parametrize(("path", "lasts"), [
    ("/run/systemd/system/x.service", False), ("/run/systemd/system/x.service.d/a.conf", False),
    ("/run/systemd/generator.early/x.service", False), ("/run/systemd/transient/r.service", False),
    ("/run/sysctl.d/x.conf", False), ("/run/modprobe.d/x.conf", False),
    ("/run/udev/rules.d/x.rules", False), ("/run/extensions/x.raw", False),
    ("/var/lib/extensions/x.raw", True), ("/var/lib/confexts/x.raw", True),
])  # fmt: skip
def test_beside_the_layer(image: Tree, path: str, lasts: bool) -> None:
    image.put(path, "x")
    found = only(image)
    assert (found.area, found.place, found.lasts) == ("beside", path, lasts)


def test_what_the_system_itself_makes(image: Tree) -> None:
    image.put("/run/systemd/transient/session-1.scope", "x")
    image.put("/run/systemd/transient/user-0.slice.d/50-x.conf", "x")
    image.put("/run/systemd/generator/efi.mount", "x")
    image.put("/run/tmpfiles.d/static-nodes.conf", "x")
    image.put("/run/systemd/system/x.wants/empty", "x")
    assert only(image).place == "/run/systemd/system/x.wants/empty"


@pytest.mark.parametrize("point", ["/usr", "/usr/bin", "/etc/ssh", "/opt", "/lib64", "/srvx", "/"])
def test_a_mount_over_what_is_sealed(image: Tree, point: str) -> None:
    table = image.path("/proc/1/mountinfo").read_text()
    trees.mountinfo(image, table + f"40 22 0:60 / {point} rw - tmpfs tmpfs rw\n")
    places = {d.place: d.kind for d in verify(image.root).differences}
    assert places.get(point) == "covered"


@pytest.mark.parametrize("point", ["/etc/machine-id", "/mnt/x", "/root", "/tmp", "/var/lib/x"])
def test_a_mount_elsewhere(image: Tree, point: str) -> None:
    table = image.path("/proc/1/mountinfo").read_text()
    trees.mountinfo(image, table + f"40 22 0:60 / {point} rw - tmpfs tmpfs rw\n")
    assert verify(image.root).answer == "no difference"


@pytest.mark.parametrize(("words", "says"), [
    (f"{WORDS} init=/bin/sh", "it has beside those of the boot entry: init=/bin/sh"),
    (WORDS.replace(" lockdown=integrity", ""), "it lacks: lockdown=integrity"),
    (f"{WORDS} codex.shell", "root shells are open"),
    (RESET_WORDS, "another entry of the boot menu"),
    (f"{WORDS} console=ttyS0", "in another order or number"),
])  # fmt: skip
def test_command_line(image: Tree, words: str, says: str) -> None:
    image.put("/proc/cmdline", words)
    assert says in only(image).message


@pytest.mark.parametrize("content", [
    b"", b"MZ", b"x" * 4096, program(WORDS)[:90], program(WORDS, name=b".other"),
    program(WORDS)[:-480], program(WORDS).replace(b"console", b"\xff\xfe\xfd\xfcole"),
])  # fmt: skip
def test_a_boot_entry_that_cannot_be_understood(image: Tree, content: bytes) -> None:
    image.put(ENTRY, content)
    found = verify(image.root)
    assert (found.answer, found.differences) == ("unknown", [])
    assert found.unread[0].place == "command line"


def test_shells_hide_no_other_word(image: Tree) -> None:
    image.put("/proc/cmdline", f"{WORDS} codex.shell init=/bin/sh")
    messages = [difference.message for difference in verify(image.root).differences]
    assert any("root shells are open" in text for text in messages)
    assert any(text.endswith(": init=/bin/sh") for text in messages)


def test_shells_from_another_medium(image: Tree) -> None:
    image.put("/proc/cmdline", f"{WORDS} codex.shell")
    image.remove(ENTRY)
    found = verify(image.root)
    assert "root shells are open" in found.differences[0].message
    assert len(found.unread) == 1


def test_a_boot_entry_that_is_gone(image: Tree) -> None:
    image.remove(ENTRY)
    found = verify(image.root)
    assert (found.answer, found.differences) == ("unknown", [])
    assert "no boot entry of the running version" in found.unread[0].reason


@pytest.mark.parametrize(("line", "says"), [
    ("evil 1 0 - Live 0x0", "not among those of this kernel"),
    ("ext4 9 1 - Live 0x0 (E)", "not signed by a key that the kernel has"),
    ("ext4 9 1 - Live 0x0 (PO)", "proprietary, not from the kernel's source"),
    ("ai_mem 9 1 - Live 0x0 (OE)", "not signed"),
])  # fmt: skip
def test_kernel_modules(image: Tree, line: str, says: str) -> None:
    image.put("/proc/modules", f"{line}\n")
    assert says in only(image).message


def test_a_kernel_that_was_patched(image: Tree) -> None:
    image.put("/proc/sys/kernel/tainted", f"{1 << 15 | 1 << 9}\n")
    assert only(image).message == "the kernel was patched while it ran"


@pytest.mark.parametrize(("path", "content"), [
    ("/proc/modules", "?\n"), ("/proc/sys/kernel/tainted", "x\n"), ("/proc/1/mountinfo", ""),
    ("/run/codex/verity-status", "x\n"), ("/run/codex/verity-table", "x\n"),
])  # fmt: skip
def test_what_cannot_be_read_is_never_no_difference(image: Tree, path: str, content: str) -> None:
    image.put(path, content)
    found = verify(image.root)
    assert (found.answer, found.differences) == ("unknown", [])
    assert found.unread
    assert "Could not be looked at:" in command.text(found)


def test_a_seal_that_is_broken(image: Tree) -> None:
    image.put("/run/codex/verity-status", "root: 0 819200 verity C\n")
    assert (only(image).area, only(image).message) == ("seal", "it has met a changed block")


def test_another_root_than_the_command_line_says(image: Tree) -> None:
    other = WORDS.replace(trees.HASH, "f" * 64)
    image.put("/proc/cmdline", other)
    image.put(ENTRY, program(other))
    assert "the command line says ffff" in only(image).message


def test_a_root_without_a_signature(image: Tree) -> None:
    image.put("/run/codex/verity-table", trees.table_line(signed=False))
    assert "no signature" in only(image).message


def test_without_secure_boot(image: Tree) -> None:
    image.put("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
              b"\x06\0\0\0\0")  # fmt: skip
    assert only(image).place == "Secure Boot"


def test_a_reset_that_was_asked_for(image: Tree) -> None:
    image.put(reset.VARIABLE, b"\x07\0\0\0" + b"02e4b9d0-73e2-4c8f-bad4-0ea9a8f520b0")
    assert only(image).place == "factory reset"


def test_packages(plain: Tree) -> None:
    plain.put("/usr/bin/codex", "#!/bin/sh\nevil\n")
    assert (only(plain).area, only(plain).kind) == ("packages", "changed")
    plain.remove("/usr/bin/codex")
    assert only(plain).kind == "missing"
    plain.path("/usr/bin/codex").mkdir()
    assert only(plain).kind == "changed"


@pytest.mark.parametrize("line", ["x", f"{'0' * 32}  usr/../etc/shadow", ""])
def test_sums_that_are_none(plain: Tree, line: str) -> None:
    plain.put("/var/lib/dpkg/info/codex-agent.md5sums", f"{line}\n")
    assert verify(plain.root).answer == "unknown"


def test_a_host_without_a_package_of_ours(plain: Tree) -> None:
    plain.remove("/var/lib/dpkg/info/codex-agent.md5sums")
    assert verify(plain.root).answer == "unknown"


def test_a_unit_of_the_administrator(plain: Tree) -> None:
    plain.put("/etc/systemd/system/x.service", "x")
    assert (only(plain).place, only(plain).lasts) == ("/etc/systemd/system/x.service", True)


def test_a_packaged_unit_that_was_enabled_by_another_name_is_no_unit_of_its_own(
    plain: Tree,
) -> None:
    plain.put("/usr/lib/systemd/system/ssh.service", "[Install]\nAlias=sshd.service\n")
    plain.link("/etc/systemd/system/sshd.service", "/usr/lib/systemd/system/ssh.service")
    assert verify(plain.root).differences == []


@pytest.mark.parametrize("target", [
    "/usr/lib/systemd/system/ssh.service", "/usr/lib/systemd/system/none.service",
    "/usr/lib/systemd/system/../../../../home/x/ssh.service", "/home/x/ssh.service", "loop.service",
])  # fmt: skip
def test_a_link_that_no_package_means_is_told(plain: Tree, target: str) -> None:
    for place in ("/usr/lib/systemd/system", "/home/x"):
        alias = "loop.service" if place == "/home/x" else "sshd.service"
        plain.put(f"{place}/ssh.service", f"[Install]\nAlias={alias}\n")
    plain.link("/etc/systemd/system/loop.service", target)
    assert only(plain).place == "/etc/systemd/system/loop.service"


def test_modules_that_dkms_signed_here_are_declared(plain: Tree) -> None:
    plain.put(f"/usr/lib/modules/{KERNEL}/modules.dep", "updates/dkms/ai-mem.ko.xz:\n")
    plain.put("/proc/modules", "ai_mem 1 0 - Live 0x0 (OE)\n")
    plain.put("/proc/sys/kernel/tainted", f"{1 << 13 | 1 << 12}\n")
    assert verify(plain.root).differences == []
    plain.put("/proc/modules", "ai_mem 1 0 - Live 0x0 (OE)\nevil 1 0 - Live 0x0 (OE)\n")
    assert {entry.place for entry in verify(plain.root).differences} == {"kernel module evil"}
    plain.put("/proc/modules", "")
    assert only(plain).message == "a module without a good signature was loaded"


def test_an_image_has_no_modules_of_dkms(image: Tree) -> None:
    image.put(f"/usr/lib/modules/{KERNEL}/modules.dep", "updates/dkms/ai-mem.ko.xz:\n")
    image.put("/proc/modules", "ai_mem 1 0 - Live 0x0 (OE)\n")
    assert "not signed" in only(image).message


def test_nobody_knows_what_this_is(tree: Tree) -> None:
    assert verify(tree.root).answer == "unknown"


@pytest.mark.parametrize(("as_json", "begins"), [(True, "{"), (False, "Answer")])
def test_exit_status(
    image: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    as_json: bool, begins: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(command, "Root", lambda: image.root)
    arguments = argparse.Namespace(json=as_json)
    assert command.run(arguments) == 0
    image.remove(f"/usr/lib/modules/{KERNEL}/modules.dep")
    assert command.run(arguments) == 3
    image.put("/etc/codex/hostname", "gpu-1\n")
    assert command.run(arguments) == 1
    assert capsys.readouterr().out.startswith(begins)
