# SPDX-License-Identifier: Apache-2.0
# Made from codex_agent/kernel/schema/ai_gpu.toml by `python -m codex_agent.kernel.schema`.
"""What /proc/ai_gpu says: its lines, and the types that hold their values."""

from __future__ import annotations

from dataclasses import dataclass

from codex_agent.kernel.abi.form import Column, Line, Link

PATH = "/proc/ai_gpu"
TITLE = "AI GPU Direct Access Status"
RULE = "============================"
LINES = (
    Line("status", "Status", "choice", fixed=True, choices=("Active", "Not initialized")),
    Line("device", "Device", "id", fixed=True),
    Line("dma_buffer_mib", "DMA Buffer", "u64", unit="MB", fixed=True),
)
STATISTICS_HEADING = "Statistics:"
STATISTICS = (
    Line("transfers_to", "Transfers to GPU", "u64", fixed=True),
    Line("transfers_from", "Transfers from GPU", "u64", fixed=True),
    Line("mib_to", "Bytes to GPU", "u64", unit="MB", fixed=True),
    Line("mib_from", "Bytes from GPU", "u64", unit="MB", fixed=True),
    Line("launches", "Kernel launches", "u64", fixed=True),
    Line("interrupts", "Interrupts", "u64"),
    Line("bounced_bytes", "Bounced bytes", "u64"),
    Line("timeouts", "Timeouts", "u64"),
    Line("resets", "Resets", "u64"),
    Line("queued", "Queued", "u32"),
    Line("bytes_to", "Bytes to GPU (exact)", "u64"),
    Line("bytes_from", "Bytes from GPU (exact)", "u64"),
)
BLOCK = "GPU"
OBSERVED_HEADING = "Observed Functions:"
OBSERVED = (
    Column("driver", "word", none="none"),
    Column("link", "link"),
    Column("max", "link"),
    Column("port", "link"),
    Column("port_max", "link"),
    Column("node", "s32"),
    Column("power", "word"),
    Column("aer_correctable", "x32"),
    Column("aer_uncorrectable", "x32"),
)


@dataclass(frozen=True, slots=True)
class Status:
    """What /proc/ai_gpu says about a device; None: it does not say."""

    #: its number, which is said where there are several
    gpu: int | None
    #: whether the device answers
    status: str
    #: PCI vendor and device
    device: str
    #: dma-bufs mapped for the device now
    dma_buffer_mib: int
    #: DMA jobs to the device that it completed
    transfers_to: int
    #: DMA jobs from the device that it completed
    transfers_from: int
    #: of those to the device
    mib_to: int
    #: of those from the device
    mib_from: int
    #: LAUNCH jobs that the device completed
    launches: int
    #: of the device, that the driver handled
    interrupts: int | None = None
    #: of the bytes to and from, those that the kernel copied
    bounced_bytes: int | None = None
    #: jobs that the device did not complete in time
    timeouts: int | None = None
    #: resets of the device
    resets: int | None = None
    #: jobs waiting or running
    queued: int | None = None
    #: of the transfers to the device
    bytes_to: int | None = None
    #: of the transfers from the device
    bytes_from: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A function that another driver owns, or none; None: it cannot be read."""

    #: PCI address
    address: str
    #: PCI vendor and device
    device: str
    #: who drives it; None: nobody
    driver: str | None
    #: speed and width now
    link: Link | None
    #: the most that the function can do
    max: Link | None
    #: speed and width of the port above it
    port: Link | None
    #: the most that the port above it can do
    port_max: Link | None
    #: NUMA node
    node: int | None
    #: D0, D1, D2, D3hot or D3cold
    power: str | None
    #: bits of the AER register
    aer_correctable: int | None
    #: bits of the AER register
    aer_uncorrectable: int | None
