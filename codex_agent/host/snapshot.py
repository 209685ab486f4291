# SPDX-License-Identifier: Apache-2.0
"""Takes one snapshot of the host from all readers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codex_agent.host import (
    boots,
    checks,
    disks,
    filesystems,
    firmware,
    kernel,
    load,
    mounts,
    pci,
    probes,
    release,
    rootdevice,
    services,
    slot,
    systemd,
    verity,
)
from codex_agent.host.model import HostSnapshot, ReadingInfo, Units, Verdict
from codex_agent.host.reading import Ledger, Provenance
from codex_agent.kernel import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_agent.host.model import Check
    from codex_agent.host.reading import Reading
    from codex_agent.host.root import Root
    from codex_agent.problem import Problem

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reader of the host brings along so that a verdict can be given."""

    disk_free_percent_min: float
    problems: Sequence[Problem]
    agent: Check
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A snapshot whose ages are still open: they are counted when it is shown."""

    host: HostSnapshot
    taken: float
    provenance: dict[str, Provenance]
    services: stats.Taken

    def shown(self, now: float) -> HostSnapshot:
        """Return the snapshot with the age of each reading at monotonic time ``now``."""
        return replace(self.host, readings=_aged(self.provenance, now))


def _aged(entries: dict[str, Provenance], now: float) -> dict[str, ReadingInfo]:
    return {
        path: ReadingInfo(entry.source, max(0, round((now - entry.observed) * 1000)), entry.reason)
        for path, entry in entries.items()
    }


def take(
    root: Root,
    judgement: Judgement,
    ask: Callable[[Root], Reading[systemd.Facts]] = systemd.ask,
) -> Sample:
    """Read everything once and judge it; takes milliseconds where no device hangs."""
    ledger = Ledger()
    facts = ask(root)
    table = mounts.host_table(root)
    device = rootdevice.find(root, table)
    os_release = release.os_release(root)
    locked = kernel.lockdown(root)
    standing = stats.take(root)
    delivery = ledger.note("delivery", release.delivery(os_release))
    image = ledger.note("image", release.image(os_release))
    host = HostSnapshot(
        schema=SCHEMA,
        taken_at=datetime.fromtimestamp(root.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        hostname=ledger.note("hostname", kernel.hostname(root)),
        delivery=delivery,
        image=image,
        slot=ledger.note("slot", slot.read(root, device)),
        verity=verity.read(root, device, ledger),
        secure_boot=ledger.note("secure_boot", firmware.secure_boot(root)),
        lockdown=ledger.note("lockdown", locked),
        kernel=kernel.read(root, locked, ledger),
        firmware=firmware.read_firmware(root, ledger),
        machine=firmware.read_machine(root, facts.then(lambda f: f.virtualization), ledger),
        uptime_s=ledger.note("uptime_s", kernel.uptime(root)),
        boot_id=ledger.note("boot_id", kernel.boot_id(root)),
        cpu=load.read_cpu(root, ledger),
        memory=load.read_memory(root, ledger),
        io=load.read_io(root, ledger),
        disks=disks.read(root, ledger),
        filesystems=filesystems.read(root, table, ledger),
        pci=pci.read(root, ledger),
        services=services.read(standing, ledger),
        units=Units(failed=ledger.note("units.failed", facts.then(lambda f: f.failed))),
        given_up=ledger.note("given_up", boots.given_up(root, image.version if image else None)),
        verdict=Verdict("unknown", []),
        readings={},
    )
    probed = probes.read(root, ledger, delivery)
    now = root.monotonic()
    around = checks.Circumstances(
        efi=firmware.booted_by_efi(root),
        manager_state=facts.value.state if facts.value else None,
        disk_free_percent_min=judgement.disk_free_percent_min,
        problems=judgement.problems,
        agent=judgement.agent,
        services=standing.stats,
        settled=judgement.settled,
        probed=probed,
    )
    judged = checks.with_verdict(replace(host, readings=_aged(ledger.entries, now)), around)
    return Sample(judged, now, ledger.entries, standing)
