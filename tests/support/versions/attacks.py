# SPDX-License-Identifier: Apache-2.0
"""What can be done to a folder of releases, each with the refusal that a host must give.

``who`` is what the attacker needs: the ``server`` alone, or the ``key`` of updates as well.
``ends`` is the name of an exit status of ``codex update apply`` (codex_agent/update/exits.py);
``DONE`` where the host gets the true bytes by another way. ``said`` is a pattern of its sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.support.versions.damage import SIGNATURE, SUMS, Copy, Sign


@dataclass(frozen=True)
class Signers:
    """Who signs: the build's own key of updates, and one that no host knows."""

    ours: Sign
    stranger: Sign


@dataclass(frozen=True)
class Attack:
    """One attack on a copy of a folder."""

    name: str
    what: str
    who: Literal["server", "key"]
    ends: str
    said: str
    apply: Callable[[Copy, Signers], None]


def _server(name: str, what: str, ends: str, said: str, apply: Callable[[Copy], None]) -> Attack:
    return Attack(name, what, "server", ends, said, lambda copy, _signers: apply(copy))


def _key(name: str, what: str, ends: str, said: str, apply: Callable[[Copy, Sign], None]) -> Attack:
    return Attack(name, what, "key", ends, said, lambda copy, signers: apply(copy, signers.ours))


def _without(copy: Copy, *names: str) -> None:
    for name in names:
        copy.remove(name)


def _whole(copy: Copy, damage: Callable[[], None]) -> None:
    """Leave the whole files as the only way to root and UKI, one of them damaged."""
    for chunk in copy.chunks():
        copy.remove(chunk)
    damage()


def _all_chunks(copy: Copy) -> None:
    """Put the content of one chunk in place of all others."""
    first, *others = copy.chunks()
    content = (copy.folder / first).read_bytes()
    for name in others:
        copy.put(name, content)


def _flipped(ending: str) -> Attack:
    return _server(
        f"flipped-{ending}", f"A bit of the file .{ending} is another one than was signed.",
        "DIFFERENT", "was signed", lambda copy: _whole(copy, lambda: copy.flip(copy.name(ending))),
    )  # fmt: skip


def _truncated(ending: str) -> Attack:
    return _server(
        f"truncated-{ending}", f"The file .{ending} ends at its half.",
        "DIFFERENT", "were signed",
        lambda copy: _whole(copy, lambda: copy.truncate(copy.name(ending))),
    )  # fmt: skip


def _no_reset(described: dict[str, Any]) -> None:
    described["files"] = [entry for entry in described["files"] if entry["role"] != "reset"]


def _outside(copy: Copy, sign: Sign) -> None:
    copy.list_anew(sign, {"../../../etc/passwd": "0" * 64})


ATTACKS: tuple[Attack, ...] = (
    # The list and its signature.
    _server("no-signature", "The checksums are not signed.", "UNSIGNED", "is missing",
            lambda copy: _without(copy, SIGNATURE)),
    _server("flipped-sums", "A bit of the checksums was flipped.", "UNSIGNED", "signature",
            lambda copy: copy.flip(SUMS, 10)),
    # Not in the middle: OpenPGP has parts beside the signature that it does not cover.
    _server("flipped-signature", "A bit of their signature was flipped.", "UNSIGNED", "signature",
            lambda copy: copy.flip(SIGNATURE, -1)),
    _server("truncated-sums", "The checksums end at their half.", "UNSIGNED", "signature",
            lambda copy: copy.truncate(SUMS)),
    _server("truncated-signature", "The signature ends at its half.", "UNSIGNED", "signature",
            lambda copy: copy.truncate(SIGNATURE)),
    Attack("foreign-key", "The checksums are signed by a key that the host does not know.",
           "server", "UNSIGNED", "signature", lambda copy, by: copy.sign(by.stranger)),
    # Files that are not those of the list.
    *(_flipped(ending)
      for ending in ("efi", "reset.efi", "verity.raw", "signature.raw", "release.json")),
    *(_truncated(ending) for ending in ("efi", "reset.efi", "verity.raw", "signature.raw")),
    _server("longer-efi", "The UKI goes on with zeros.", "DIFFERENT", "were signed",
            lambda copy: _whole(copy, lambda: copy.extend(copy.name("efi"), 4096))),
    _server("no-efi", "The UKI is not there.", "UNREACHABLE", "has no",
            lambda copy: _whole(copy, lambda: copy.remove(copy.name("efi")))),
    # Root and UKIs have two ways: the loss of one is none while the other is there.
    _server("only-chunks", "The whole UKIs and the whole root are not there.", "DONE", "",
            lambda copy: _without(copy, *map(copy.name, ("efi", "reset.efi", "root.raw.zst")))),
    _server("flipped-uki-index", "A bit of the index of the UKI is other.", "DIFFERENT", "signed",
            lambda copy: copy.flip(copy.name("uki.caibx"))),
    _server("flipped-reset-index", "A bit of the index of the entry for a reset is other.",
            "DIFFERENT", "signed", lambda copy: copy.flip(copy.name("reset.caibx"))),
    _server("flipped-chunks", "Chunks have another content than their name says.", "DONE", "",
            _all_chunks),
    _server("flipped-index", "A bit of the index of chunks was flipped.", "DIFFERENT", "signed",
            lambda copy: copy.flip(copy.name("root.caibx"))),
    _server("flipped-root", "No chunk is there, and a bit of the whole root was flipped.",
            "DIFFERENT", "was signed",
            lambda copy: _whole(copy, lambda: copy.flip(copy.name("root.raw.zst")))),
    _server("truncated-root", "No chunk is there, and the whole root ends at its half.",
            "DIFFERENT", "were signed",
            lambda copy: _whole(copy, lambda: copy.truncate(copy.name("root.raw.zst")))),
    # What the holder of the key could sign: the host looks for itself.
    _key("wrong-sums", "The checksums give the UKI another hash than the description.",
         "MALFORMED", "does not have the hash",
         lambda copy, sign: copy.list_anew(sign, {copy.name("efi"): "0" * 64})),
    _key("size-too-small", "The description gives the UKI fewer bytes than it has.", "DIFFERENT",
         "were signed", lambda copy, sign: copy.describe_file(sign, "uki", bytes=4096)),
    _key("no-reset", "The description has no entry for a reset.", "MALFORMED", "no file has",
         lambda copy, sign: copy.describe(sign, _no_reset)),
    _key("size-of-the-sky", "The description gives the root more bytes than any disk has.",
         "MALFORMED", "does not fit",
         lambda copy, sign: copy.describe_file(sign, "root", unpacked_bytes=1 << 60)),
    _key("name-outside", "A name of the checksums leads out of the folder.", "MALFORMED",
         "does not fit", _outside),
    _key("described-outside", "The description names a file outside of the folder.", "MALFORMED",
         "does not fit",
         lambda copy, sign: copy.describe_file(sign, "uki", name="../../../etc/passwd")),
    _key("other-version", "The description is of another version than its name.", "MALFORMED",
         "does not fit", lambda copy, sign: copy.describe(sign, lambda d: d.update(version="9.9"))),
    _key("other-architecture", "The description is of another processor.", "MALFORMED",
         "does not fit",
         lambda copy, sign: copy.describe(sign, lambda d: d.update(architecture="arm64"))),
    _key("other-flavour", "The release is of another flavour.", "FLAVOUR", "flavour",
         lambda copy, sign: copy.describe(sign, lambda d: d.update(flavour="nvidia"))),
    _key("too-far", "The release asks for a version in between.", "TOO_FAR", "is reached from",
         lambda copy, sign: copy.describe(sign, lambda d: d.update(minimum_from=copy.version))),
)  # fmt: skip
