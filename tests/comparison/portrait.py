# SPDX-License-Identifier: Apache-2.0
"""The portrait of a host: what it says of itself and how it is set up, key by key.

Only what ought to be the same on every host of one definition: no identity, no load, no time. A
value that could not be read is ``unreadable`` with the reason, which differs from every value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from testinfra.host import Host

Portrait = dict[str, str]
#: Files that the roles and our packages bring, wherever they lie.
OURS = r"""
find /usr/lib /usr/sbin /usr/bin /etc -xdev \
    \( -path /usr/lib/codex-agent -o -path /usr/lib/modules -o -path /usr/lib/sysimage \
       -o -path /usr/src \) -prune -o \
    \( -name '*codex*' -o -path '/usr/lib/codex/*' \) ! -type d -print | LC_ALL=C sort |
while read -r path; do
    if [ -L "$path" ]; then content=$(readlink "$path"); else content=$(sha256sum <"$path"); fi
    echo "$(stat --format='%A %U:%G' "$path") ${content%% *} $path"
done
"""


def take(host: Host) -> Portrait:
    """Ask a host, as root, for everything that is compared."""
    found: Portrait = {}
    for area in AREAS:
        try:
            found.update({f"{area.__name__}.{key}": value for key, value in area(host)})
        except (AssertionError, ValueError, KeyError) as error:
            found[area.__name__] = f"unreadable: {' '.join(str(error).split())[:300]}"
    return found


def status(host: Host) -> Iterator[tuple[str, str]]:
    """What the agent knows, and its verdict with every check."""
    snapshot = _json(host, "codex status --json")
    for key in ("delivery", "lockdown", "secure_boot", "slot"):
        yield key, _text(snapshot[key])
    yield "image", _text(snapshot["image"] is not None)
    yield "verity", _text(snapshot["verity"]["state"])
    yield "modules_signed_enforced", _text(snapshot["kernel"]["modules_signed_enforced"])
    yield "failed_units", _text(snapshot["units"]["failed"])
    yield "verdict", snapshot["verdict"]["state"]
    for check in snapshot["verdict"]["checks"]:
        yield f"check.{check['name']}", f"{check['state']}, gates: {_text(check['gates'])}"
    for name, service in snapshot["services"].items():
        yield f"service.{name}", "there" if service else "absent"


def verify(host: Host) -> Iterator[tuple[str, str]]:
    """What `codex verify` says; exit statuses are part of the interface."""
    done = host.run("codex verify --json")
    found = json.loads(done.stdout)
    yield "answer", f"{found['answer']}, exit status {done.rc}"
    yield "unread", _text(sorted(entry["place"] for entry in found["unread"]))
    for entry in found["differences"]:
        yield f"difference.{entry['area']}.{entry['place']}", entry["kind"]


def probes(host: Host) -> Iterator[tuple[str, str]]:
    """Every probe with its answer."""
    for result in json.loads(host.run("codex probe --json").stdout)["results"]:
        yield result["name"], f"{result['state']}, gates: {_text(result['gates'])}"


def settings(host: Host) -> Iterator[tuple[str, str]]:
    """Settings of the agent as they are in effect, without where each comes from."""
    for line in host.check_output("cat /usr/lib/codex/agent.toml").splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.startswith("#"):
            yield key.strip(), value.strip()


def sysctl(host: Host) -> Iterator[tuple[str, str]]:
    """Kernel settings that the roles write, as they are in effect."""
    script = r"sed -nE 's/^-?([a-z][a-z0-9._/]*) *=.*/\1/p' /usr/lib/sysctl.d/60-codex.conf"
    names = host.check_output(script).split()
    for line in host.check_output("sysctl --ignore " + " ".join(names)).splitlines():
        key, _, value = line.partition(" = ")
        yield key, " ".join(value.split())


def sshd(host: Host) -> Iterator[tuple[str, str]]:
    """Rules of remote login, as sshd reads them."""
    text = host.check_output("sshd -T -C user=root,host=localhost,addr=127.0.0.1")
    for line in sorted(set(text.splitlines())):
        key, _, value = line.partition(" ")
        if key not in {"hostkey", "acceptenv"}:
            yield key, value


def units(host: Host) -> Iterator[tuple[str, str]]:
    """Our units and those that the roles start."""
    listed = host.check_output("systemctl list-unit-files --no-legend --plain").splitlines()
    wanted = ("codex-", "ssh.", "systemd-timesyncd.", "systemd-journald.")
    for line in listed:
        name, state, *_ = line.split()
        if name.startswith(wanted):
            active = "" if "@." in name else host.run("systemctl is-active %s", name).stdout.strip()
            # What runs once is active or not as its turn comes.
            yield name, f"{state}, {'failed' if active == 'failed' else 'well'}"


def exposure(host: Host) -> Iterator[tuple[str, str]]:
    """How far each of our services is shut in, by systemd's own measure."""
    names = ("codex-agent", "codex-health", "codex-probes", "codex-provision")
    text = host.check_output("systemd-analyze security --no-pager --json=short")
    for entry in json.loads(text):
        name = entry["unit"].removesuffix(".service")
        if name in names:
            yield name, str(entry["exposure"])


def accounts(host: Host) -> Iterator[tuple[str, str]]:
    """Our accounts and groups; of those whose number is left to the host, without it."""
    for table, numbers in (("passwd", 2), ("group", 1)):
        for line in host.check_output("getent %s", table).splitlines():
            name, _, *rest = line.split(":")
            if name.startswith("codex"):
                yield f"{table}.{name}", ":".join(rest if name == "codex" else rest[numbers:])


def files(host: Host) -> Iterator[tuple[str, str]]:
    """Files of ours: kind, rights, owner and content."""
    for line in host.check_output(OURS).splitlines():
        kind, owner, content, path = line.split(" ", 3)
        yield path, f"{kind} {owner} {content}"


def modules(host: Host) -> Iterator[tuple[str, str]]:
    """Parameters that our kernel modules run with."""
    places = "/sys/module/ai_mem/parameters /sys/module/ai_gpu/parameters"
    # A module that is not there has no parameters; that it is missing shows in `status`.
    script = f"find {places} -type f -exec grep -H '' {{}} + 2>/dev/null"
    for line in sorted(host.run(script).stdout.splitlines()):
        path, _, value = line.partition(":")
        yield path.removeprefix("/sys/module/").replace("/parameters/", "."), value


def mounts(host: Host) -> Iterator[tuple[str, str]]:
    """The file systems that a host of either kind has."""
    for place in ("/", "/usr", "/etc", "/var"):
        text = host.check_output("findmnt --noheadings --output FSTYPE,OPTIONS --target %s", place)
        kind, options = text.split()
        kept = {"ro", "rw", "nosuid", "nodev", "noexec"} & set(options.split(","))
        yield place, f"{kind} {','.join(sorted(kept))}"


def packages(host: Host) -> Iterator[tuple[str, str]]:
    """Whether the packages of the definition are there; versions move with the archive."""
    listed = host.check_output("dpkg-query --show --showformat='${db:Status-Abbrev} ${Package}\n'")
    there = {line.split()[1] for line in listed.splitlines() if line[1] == "i"}
    for name in (*NAMED, *sorted(package for package in there if package.startswith("codex-"))):
        yield name, "installed" if name in there else "not installed"


def clock(host: Host) -> Iterator[tuple[str, str]]:
    """Time zone, language, and who keeps the clock."""
    yield "zone", host.check_output("readlink /etc/localtime").rpartition("zoneinfo/")[2]
    yield "language", host.check_output("systemctl show-environment | grep ^LANG=")
    yield "service", host.run("systemctl is-enabled systemd-timesyncd.service").stdout.strip()


#: Of roles/host_base/defaults.
NAMED = (
    *("openssh-server", "python3", "python3-apt", "dmsetup", "iproute2", "kmod", "pciutils"),
    *("procps", "util-linux", "cryptsetup-bin", "e2fsprogs", "ca-certificates", "less"),
    *("libpam-systemd", "tzdata", "systemd-timesyncd"),
)
AREAS: tuple[Callable[[Host], Iterator[tuple[str, str]]], ...] = (
    *(status, verify, probes, settings, sysctl, sshd, units, exposure, accounts, files),
    *(modules, mounts, packages, clock),
)


def _json(host: Host, command: str) -> Mapping[str, Any]:
    """JSON of a command whose exit status is its verdict."""
    found: Mapping[str, Any] = json.loads(host.run(command).stdout)
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
