# SPDX-License-Identifier: Apache-2.0
"""Devices that read and write shared memory by themselves, and compute."""

from codex_agent.kernel.abi.ai_gpu import Function, State
from codex_agent.kernel.gpu.device import Device, DeviceInfo
from codex_agent.kernel.gpu.job import Job, JobResult

__all__ = ["Device", "DeviceInfo", "Function", "Job", "JobResult", "State"]
