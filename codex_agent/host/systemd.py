# SPDX-License-Identifier: Apache-2.0
"""Asks systemd over the system bus, which answers these questions to every user."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_agent.host.reading import Reading
    from codex_agent.host.root import Root

SOCKET = "/run/dbus/system_bus_socket"
SOURCE = "systemd over D-Bus"
TIMEOUT_S = 10.0  # for one conversation; an emulated host can be slow
_BUS_NAME = "org.freedesktop.systemd1"
_PATH = "/org/freedesktop/systemd1"
_MANAGER = f"{_BUS_NAME}.Manager"
_PROPERTIES = "org.freedesktop.DBus.Properties"


@dataclass(frozen=True, slots=True)
class Facts:
    """State of the manager (``running``, ``starting`` …), failed units, hypervisor or none."""

    state: str
    failed: list[str]
    virtualization: str


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of systemd's queue."""

    id: int
    unit: str
    kind: str
    state: str


class Conversation:
    """A connection to the bus with one deadline for everything that is asked over it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def call(
        self,
        method: str,
        signature: str = "",
        *arguments: Any,
        path: str = _PATH,
        interface: str = _MANAGER,
    ) -> tuple[Any, ...]:
        """Call a method and return its results, or raise ``Unreadable``."""
        from jeepney import DBusAddress, MessageType, new_method_call

        address = DBusAddress(path, bus_name=_BUS_NAME, interface=interface)
        message = new_method_call(address, method, signature or None, arguments)
        reply = self._connection.send_and_get_reply(message)
        if reply.header.message_type == MessageType.error:
            text = reply.body[0] if reply.body and isinstance(reply.body[0], str) else "no reason"
            raise Unreadable(f"systemd refuses {method}: {text}")
        return tuple(reply.body)

    def prop(self, name: str, *, path: str = _PATH, interface: str = _MANAGER) -> Any:
        """Return a property, or raise ``Unreadable``."""
        arguments = (interface, name)
        variant = self.call("Get", "ss", *arguments, path=path, interface=_PROPERTIES)[0]
        return variant[1]

    def failed(self) -> list[str]:
        """Return the names of the failed units, sorted."""
        return sorted(str(unit[0]) for unit in self.call("ListUnitsFiltered", "as", ["failed"])[0])

    def jobs(self) -> list[Job]:
        """Return the queue of jobs."""
        return [Job(int(j[0]), str(j[1]), str(j[2]), str(j[3])) for j in self.call("ListJobs")[0]]

    def waiting_for(self, job: int) -> list[int]:
        """Return the ids of the jobs that wait for ``job``."""
        return [int(entry[0]) for entry in self.call("GetJobAfter", "u", job)[0]]

    def listens(self, unit: str) -> list[str]:
        """Return the stream addresses of a socket unit; empty where it is not on this host."""
        path = self.call("LoadUnit", "s", unit)[0]
        if self.prop("LoadState", path=path, interface=f"{_BUS_NAME}.Unit") != "loaded":
            return []
        entries = self.prop("Listen", path=path, interface=f"{_BUS_NAME}.Socket")
        return [str(address) for kind, address in entries if kind == "Stream"]


@contextmanager
def conversation(root: Root, timeout_s: float = TIMEOUT_S) -> Iterator[Conversation]:
    """Talk to systemd for at most ``timeout_s``; raises ``Unreadable`` where that fails."""
    # Imported here: --help must not pay for it.
    from jeepney.io.blocking import DBusConnection, prep_socket
    from jeepney.wrappers import DBusErrorResponse

    deadline = time.monotonic() + timeout_s

    class Bounded(DBusConnection):  # type: ignore[misc]
        """The library waits without end for the answer to its greeting; this one never does."""

        def receive(self, *, timeout: float | None = None) -> Any:  # noqa: ARG002 - jeepney's
            return super().receive(timeout=max(deadline - time.monotonic(), 0.0))

    connection = None
    try:
        sock = prep_socket(root.at(SOCKET), enable_fds=False, timeout=timeout_s)
        # A bus that does not read must not block the sending side either.
        sock.settimeout(timeout_s)
        try:
            connection = Bounded(sock)
        except BaseException:
            sock.close()
            raise
        yield Conversation(connection)
    except FileNotFoundError:
        raise Unreadable("the system bus does not run on this host", absent=True) from None
    except TimeoutError:
        raise Unreadable(f"systemd did not answer within {timeout_s:.0f} s") from None
    except (BrokenPipeError, ConnectionResetError, EOFError):
        # dbus-daemon does this to the accounts of DynamicUser=, which it cannot look up; it takes
        # accounts of sysusers.d, and dbus-broker takes both.
        raise Unreadable("the system bus does not serve this account") from None
    except OSError as error:
        raise Unreadable(f"the system bus cannot be reached: {error}") from None
    except (DBusErrorResponse, ValueError, IndexError, KeyError, TypeError) as error:
        raise Unreadable(f"the system bus answered in an unexpected way: {error}") from None
    finally:
        if connection is not None:
            connection.close()


def ask(root: Root) -> Reading[Facts]:
    """Read state, failed units and hypervisor in one conversation."""

    def take() -> Facts:
        with conversation(root) as systemd:
            state, virtualization = systemd.prop("SystemState"), systemd.prop("Virtualization")
            if not isinstance(state, str) or not isinstance(virtualization, str):
                raise TypeError("a property is not text")
            return Facts(state, systemd.failed(), virtualization or "none")

    return root.reading(SOURCE, take)
