# SPDX-License-Identifier: Apache-2.0
# Made from codex_agent/kernel/schema/ai_gpu.toml by `python -m codex_agent.kernel.schema`.
"""Numbers and layouts of the module ai_gpu."""

from __future__ import annotations

import ctypes
from enum import IntEnum

ABI_VERSION = 1


class State(IntEnum):
    """State of struct ai_gpu_info."""

    ACTIVE = 0
    #: does not answer; RESET may help
    FAILED = 1
    #: removed
    GONE = 2


class Direction(IntEnum):
    """Direction of struct ai_gpu_dma."""

    TO_DEVICE = 1
    FROM_DEVICE = 2


class Function(IntEnum):
    """Function of struct ai_gpu_launch."""

    #: 32 bit, modulo 2^32
    FACTORIAL = 1


class Ioctl(IntEnum):
    """Numbers of the calls."""

    INFO = 0x41A0
    DMA = 0x41A1
    LAUNCH = 0x41A2
    WAIT = 0x41A3
    RESET = 0x41A4


class Info(ctypes.Structure):
    """The device and what it did.

    ``struct ai_gpu_info``, 152 bytes.
    """

    #: in: sizeof(struct ai_gpu_info)
    size: int
    #: in: 0
    flags: int
    #: out: PCI address, 0000:00:01.0
    address: bytes
    #: out: PCI vendor
    vendor: int
    #: out: PCI device
    device: int
    #: out: the device's own register
    identification: int
    #: out: AI_GPU_STATE_*
    state: int
    #: out: -1: not known
    numa_node: int
    #: out: bit n - 1: LAUNCH function n is offered
    functions: int
    #: out: device memory that DMA reaches
    memory_bytes: int
    #: out: addresses that the device can name
    dma_mask: int
    #: out: of dma-bufs mapped for the device now
    mapped_bytes: int
    #: out: DMA jobs to the device that it completed
    transfers_to: int
    #: out: DMA jobs from the device that it completed
    transfers_from: int
    #: out: of those to the device
    bytes_to: int
    #: out: of those from the device
    bytes_from: int
    #: out: LAUNCH jobs that the device completed
    launches: int
    #: out: of the device, that the driver handled
    interrupts: int
    #: out: of the bytes to and from, those that the kernel copied because the device could not
    #: reach them
    bounced_bytes: int
    #: out: jobs that the device did not complete in time
    timeouts: int
    #: out: resets of the device
    resets: int
    #: out: jobs waiting or running
    queued: int
    #: out: most jobs that can wait
    queue_limit: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("address", ctypes.c_char * 16),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("identification", ctypes.c_uint32),
        ("state", ctypes.c_uint32),
        ("numa_node", ctypes.c_int32),
        ("functions", ctypes.c_uint32),
        ("memory_bytes", ctypes.c_uint64),
        ("dma_mask", ctypes.c_uint64),
        ("mapped_bytes", ctypes.c_uint64),
        ("transfers_to", ctypes.c_uint64),
        ("transfers_from", ctypes.c_uint64),
        ("bytes_to", ctypes.c_uint64),
        ("bytes_from", ctypes.c_uint64),
        ("launches", ctypes.c_uint64),
        ("interrupts", ctypes.c_uint64),
        ("bounced_bytes", ctypes.c_uint64),
        ("timeouts", ctypes.c_uint64),
        ("resets", ctypes.c_uint64),
        ("queued", ctypes.c_uint32),
        ("queue_limit", ctypes.c_uint32),
    )


class Dma(ctypes.Structure):
    """Queue a transfer between a dma-buf and device memory.

    ``struct ai_gpu_dma``, 48 bytes.
    """

    #: in: sizeof(struct ai_gpu_dma)
    size: int
    #: in: 0
    flags: int
    #: in: the dma-buf
    dmabuf_fd: int
    #: in: AI_GPU_TO_DEVICE or AI_GPU_FROM_DEVICE
    direction: int
    #: in: in the dma-buf
    offset: int
    #: in: in device memory, from 0
    device_address: int
    #: in: in bytes
    length: int
    #: out: for WAIT; rises by one with each job of the file
    fence: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("dmabuf_fd", ctypes.c_int32),
        ("direction", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("device_address", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("fence", ctypes.c_uint64),
    )


class Launch(ctypes.Structure):
    """Queue a computation.

    ``struct ai_gpu_launch``, 32 bytes.
    """

    #: in: sizeof(struct ai_gpu_launch)
    size: int
    #: in: 0
    flags: int
    #: in: AI_GPU_FUNCTION_*
    function: int
    #: in: 0
    reserved: int
    #: in: of the function
    argument: int
    #: out: for WAIT
    fence: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("function", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("argument", ctypes.c_uint64),
        ("fence", ctypes.c_uint64),
    )


class Wait(ctypes.Structure):
    """Wait for a job and collect what it left.

    ``struct ai_gpu_wait``, 40 bytes.
    """

    #: in: sizeof(struct ai_gpu_wait)
    size: int
    #: in: 0
    flags: int
    #: in: job to wait for
    fence: int
    #: in: 0 asks only, 0xffffffff waits without limit
    timeout_ms: int
    #: out: 0, or a negative errno of the job
    status: int
    #: out: of LAUNCH
    result: int
    #: out: bytes of the job that the kernel copied
    bounced_bytes: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("fence", ctypes.c_uint64),
        ("timeout_ms", ctypes.c_uint32),
        ("status", ctypes.c_int32),
        ("result", ctypes.c_uint64),
        ("bounced_bytes", ctypes.c_uint64),
    )


class Reset(ctypes.Structure):
    """Stop the device, fail what it was doing and start it anew.

    ``struct ai_gpu_reset``, 8 bytes.
    """

    #: in: sizeof(struct ai_gpu_reset)
    size: int
    #: in: 0
    flags: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    )
