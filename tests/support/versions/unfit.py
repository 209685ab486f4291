# SPDX-License-Identifier: Apache-2.0
"""Versions that start and are not fit: the health gate says why."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tests.support.versions import edits, modules
from tests.support.versions.edits import Edit
from tests.support.versions.kind import Broken
from tests.support.versions.make import Change
from tests.support.versions.signing import Pair

AGENT = "/usr/lib/codex-agent/lib/codex_agent"
OURS = "/usr/lib/modules/*/updates/codex/{}.ko"
_NO_ANSWER = r"The service d(oes|id) not answer"
# Who is left without an answer may take the end of the connection for one.
_DIES = rf"{_NO_ANSWER}|The service answers, but not as it should"


def _module(name: str, change: Callable[[bytes], bytes]) -> Edit:
    def edit(root: Path) -> None:
        edits.transform(edits.find(root, OURS.format(name)), change)(root)

    return edit


def failing_module(
    damage: Literal["corrupt", "unsigned", "foreign"] = "corrupt",
    name: str = "ai_mem",
    *,
    foreign: Pair | None = None,
) -> Broken:
    """One of our modules does not load: a flipped bit, no signature, or one of ``foreign``."""
    changes: dict[str, Callable[[bytes], bytes]] = {
        "corrupt": modules.corrupt,
        "unsigned": modules.unsigned,
    }
    if damage == "foreign":
        if foreign is None:
            raise ValueError("a foreign signature needs the pair that makes it")
        changes["foreign"] = modules.signed_by(foreign)
    words = {
        "corrupt": "has a flipped bit",
        "unsigned": "has no signature",
        "foreign": "is signed by a key that the firmware does not hold",
    }
    what = f"The module {name} {words[damage]}, so that the kernel refuses it."
    said = rf"The module {name} is installed for kernel \S+ and not loaded"
    change = Change(edits=[_module(name, changes[damage])])
    return Broken(f"failing-module-{damage}", what, "judged", said, change)


def no_verdict() -> Broken:
    """The start ends, and nothing judges it: what does so asks for a unit that is not there."""
    health = "[Unit]\nRequires=codex-test-missing.service\nAfter=codex-test-missing.service\n"
    soon = "[Timer]\nOnBootSec=\nOnBootSec=3min\n"
    change = Change(edits=[
        edits.dropin("codex-health.service", health), edits.dropin("codex-unjudged.timer", soon),
    ])  # fmt: skip
    what = "The unit that judges a start cannot be started, so there is no verdict."
    return Broken("no-verdict", what, "judged", "The start came to no verdict in time", change)


def failing_agent() -> Broken:
    """The agent does not start: one of its files is no Python."""
    path = f"{AGENT}/api/app.py"
    change = Change(edits=[edits.python(edits.append(path, "\nthis is no Python (\n"), path)])
    what = "The agent cannot be started: there is a syntax error in it."
    return Broken("failing-agent", what, "judged", _NO_ANSWER, change)


# It says that it is ready, as systemd asks, and ends when somebody asks it something: one that
# merely ended a little later might be found alive between two of its ends.
_DYING = '''

_sound = create


def create(service):  # type: ignore[no-untyped-def]
    """Return an application that ends with its first question."""
    sound = _sound(service)

    async def dying(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] == "lifespan":
            await sound(scope, receive, send)
        else:
            os._exit(70)

    return dying
'''


def failing_agent_crash() -> Broken:
    """The agent starts, and dies with the first question."""
    path = f"{AGENT}/api/run.py"
    change = Change(edits=[edits.python(edits.append(path, _DYING), path)])
    what = "The agent starts, and dies with the first question that it is asked."
    return Broken("failing-agent-crash", what, "judged", _DIES, change)


# Only the question of the GPU is kept from the devices: the list is empty, and nothing is added.
_CLOSED = "[Service]\nDeviceAllow=\n"
_ASLEEP = '''

def _asleep(self, *_words, **_named):  # type: ignore[no-untyped-def]
    """Never answer, as a device does whose firmware hangs."""
    import time

    while True:
        time.sleep(3600)


Device.info = _asleep  # type: ignore[method-assign]
'''


def failing_gpu_probe(*, hang: bool = False) -> Broken:
    """The GPU does not answer: the way to it is closed, or the question never comes back.

    The question is really asked where ``ai_gpu`` drives a device, such as QEMU's ``edu``. A display
    controller without a compute driver (virtio-gpu) is not asked: on a host that has no more than
    that the question is skipped, and this version is a good one. There, use ``failing_probe``.
    """
    path = f"{AGENT}/kernel/gpu/device.py"
    if hang:
        change = Change(edits=[edits.python(edits.append(path, _ASLEEP), path)])
        said = r"gave no answer: \S+ \(it did not end within 60 s\)"
        return Broken("hanging-gpu-probe", "The question of the GPU never comes back.", "judged",
                      said, change)  # fmt: skip
    change = Change(edits=[edits.dropin("codex-probes.service", _CLOSED)])
    what = "The GPU cannot be asked: its device is closed to the question."
    return Broken("failing-gpu-probe", what, "judged", r"1 GPU of \d+ gave no answer", change)


# As with a driver that does not know a device any more: the module is there, and does not take it.
_NOT_TAKEN = (
    'ACTION=="add", SUBSYSTEM=="pci", ATTR{vendor}=="0x1234", ATTR{device}=="0x11e8", '
    'ATTR{driver_override}="codex-test-none"\n'
)


def lost_gpu_driver() -> Broken:
    """The GPU that answered has no driver any more; all else of the version is well.

    The rule is read before the one that loads ``ai_gpu``, which then finds QEMU's ``edu`` kept from
    it. It is missed because the version before has kept that it answered.
    """
    rule = edits.write("/usr/lib/udev/rules.d/00-codex-test.rules", _NOT_TAKEN)
    said = r"\(1234:11e8\) answered with ai_gpu at the last good boot and has no driver now"
    what = "The driver of the GPU does not take it any more."
    return Broken("lost-gpu-driver", what, "judged", said, Change(edits=[rule]))


def failing_probe(*, hang: bool = False, name: str = "sealed") -> Broken:
    """A probe of the form that operators write fails; it comes with the version and goes with it.

    Laid down in /etc/codex it would stay in /var and fail the version that comes back as well.
    """
    argv = ["/usr/bin/sleep", "100000"] if hang else ["/usr/bin/false"]
    words = ", ".join(f'"{word}"' for word in argv)
    text = f"argv = [{words}]\nrequired = true\ntimeout_s = 5\n"
    folder = "/usr/share/codex-test/probes.d"
    bind = f"[Service]\nBindReadOnlyPaths={folder}:/etc/codex/probes.d\n"
    change = Change(
        edits=[
            edits.write(f"{folder}/{name}.toml", text),
            edits.dropin("codex-probes.service", bind),
        ]
    )
    outcome, said = ("never ends", r"[Ii]t did not end within 5 s") if hang else (
        "fails", r"[Ii]t ended with status 1")  # fmt: skip
    kind = "hanging-probe" if hang else "failing-probe"
    return Broken(kind, f"A required probe {outcome}.", "judged", said, change)


_FILL = """\
#!/usr/bin/python3 -I
# Takes all the room that /var has, that for root alone as well.
import os, signal, subprocess, sys

place = "/var/lib/codex/codex-test-fill"
file = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
if sys.argv[1:] != ["stays"]:
    os.unlink(place)  # the room comes back with the next start
end, step = 0, 1 << 34
while step >= 4096:
    try:
        os.posix_fallocate(file, end, step)
        end += step
    except OSError:
        step //= 2
os.fsync(file)
subprocess.run(["systemd-notify", "--ready"], check=True)
signal.pause()
"""
_FULL = """\
[Unit]
Description=A test that fills /var
RequiresMountsFor=/var/lib/codex
Before=codex-provision.service codex-agent.service codex-probes.service codex-health.service
[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/lib/codex-test/fill{word}
TimeoutStartSec=infinity
"""


def full_disk(*, stays: bool = False) -> Broken:
    """/var has no room left before the agent starts; it comes back with the version's end.

    With ``stays`` the room is taken by a file that the version which comes back finds as well.
    """
    change = Change(
        edits=[
            edits.write("/usr/lib/codex-test/fill", _FILL, 0o755),
            edits.unit("codex-test-full.service", _FULL.format(word=" stays" if stays else "")),
        ]
    )
    name = "full-disk-stays" if stays else "full-disk"
    said = r"Space runs out: /var has 0\.0 % left"
    what = "The version takes all the room of /var before the agent starts."
    return Broken(name, what, "judged", said, change)
