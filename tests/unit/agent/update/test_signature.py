# SPDX-License-Identifier: Apache-2.0
"""One good signature by a key of the keyring, over these very bytes; all else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.update import program, signature
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.program import Done
from tests.unit.agent.update import keys as making

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.agent.update.keys import Keys

CONTENT = b"0" * 64 + b"  codex-os_1_x86-64.efi\n"


def verify(keys: Keys, signed: bytes, content: bytes = CONTENT) -> str:
    return signature.verify(program.run, str(keys.keyring), content, signed)


def refused(keys: Keys, signed: bytes, content: bytes = CONTENT) -> str:
    with pytest.raises(UpdateError) as caught:
        verify(keys, signed, content)
    assert caught.value.kind is Exit.UNSIGNED
    return caught.value.message


def test_good_signature_names_its_key(keys: Keys) -> None:
    assert len(verify(keys, keys.sign(CONTENT))) == 40
    assert len(verify(keys, keys.sign(CONTENT, making.OURS, "--armor"))) == 40


def test_wrong_key(keys: Keys) -> None:
    said = refused(keys, keys.sign(CONTENT, making.OTHER))
    assert said.endswith("was made with a key that this host does not know.")


def test_valid_signature_over_other_content(keys: Keys) -> None:
    assert "does not belong to these checksums" in refused(keys, keys.sign(CONTENT + b"\n"))
    assert "does not belong to these checksums" in refused(keys, keys.sign(CONTENT), b"")


def test_truncated_garbage_and_empty(keys: Keys) -> None:
    good = keys.sign(CONTENT)
    for bad in (good[:-1], good[: len(good) // 2], good[:3], b"", b"\xff" * 300, b"hello\n"):
        refused(keys, bad)


def test_every_flipped_bit_is_found(keys: Keys) -> None:
    good = keys.sign(CONTENT)
    kinds = set()
    for at in range(0, len(good), 7):
        bad = bytearray(good)
        bad[at] ^= 0x10
        try:
            found = verify(keys, bytes(bad))
        except UpdateError as error:
            kinds.add(error.kind)
        else:
            # Parts of the packet are hints that are not signed: they may be anything.
            assert found == verify(keys, good)
    assert kinds == {Exit.UNSIGNED}


def test_expired_signature(keys: Keys) -> None:
    old = keys.sign(
        CONTENT, making.OURS, "--default-sig-expire", "1d", when="20200301T000000"
    )  # fmt: skip
    assert "has expired" in refused(keys, old)


def test_expired_key(keys: Keys) -> None:
    old = keys.sign(CONTENT, making.EXPIRED, when="20200101T010000")
    assert "key that has expired" in refused(keys, old)


def test_revoked_key(keys: Keys) -> None:
    signed = keys.sign(CONTENT, making.REVOKED)
    assert len(verify(keys, signed)) == 40
    keys.revoke()
    assert "key that was revoked" in refused(keys, signed)


def test_weak_hash(keys: Keys) -> None:
    """gpgv itself takes it and ends with 0."""
    said = "\n".join(
        f"[GNUPG:] {line}"
        for line in (
            "NEWSIG x", "GOODSIG 0519166E0E64B575 x",
            f"VALIDSIG {'A' * 40} 2026-11-22 1 0 4 0 1 2 00 {'A' * 40}",
        )
    )  # fmt: skip
    with pytest.raises(UpdateError, match="weak hash"):
        signature.verify(answering(Done(0, said, "")), str(keys.keyring), b"x", b"y")
    good = said.replace(" 1 2 00 ", " 1 8 00 ")
    assert signature.verify(answering(Done(0, good, "")), str(keys.keyring), b"x", b"y")


@pytest.mark.parametrize("kind", ["01", "10", "1F"])
def test_signature_over_something_else_than_a_file(keys: Keys, kind: str) -> None:
    """01 is over text whatever ends its lines, the others are over keys."""
    said = (
        "[GNUPG:] NEWSIG x\n[GNUPG:] GOODSIG 0519166E0E64B575 x\n"
        f"[GNUPG:] VALIDSIG {'A' * 40} 2026-11-22 1 0 4 0 1 8 {kind} {'A' * 40}\n"
    )
    with pytest.raises(UpdateError, match="cannot be checked") as caught:
        signature.verify(answering(Done(0, said, "")), str(keys.keyring), b"x", b"y")
    assert caught.value.kind is Exit.UNSIGNED


def answering(done: Done) -> program.Runner:
    def run(argv: Sequence[str], **_: object) -> Done:
        assert argv[0] == "gpgv"
        return done

    return run


def test_two_signatures(keys: Keys) -> None:
    """gpgv itself takes them and ends with 0."""
    signed = keys.sign(CONTENT)
    assert "not one signature but several" in refused(keys, signed + signed)


@pytest.mark.parametrize("out", ["", "[GNUPG:] \n", "[GNUPG:] GOODSIG x\n", "GOODSIG VALIDSIG"])
def test_the_exit_status_alone_is_not_believed(keys: Keys, out: str) -> None:
    with pytest.raises(UpdateError) as caught:
        signature.verify(answering(Done(0, out, "")), str(keys.keyring), b"x", b"y")
    assert caught.value.kind is Exit.UNSIGNED


def test_the_status_channel_alone_is_not_believed(keys: Keys) -> None:
    def run(argv: Sequence[str], **named: object) -> Done:
        real = program.run(argv, timeout_s=60, keep=named["keep"])  # type: ignore[arg-type]
        return Done(2, real.out, real.err)

    with pytest.raises(UpdateError) as caught:
        signature.verify(run, str(keys.keyring), CONTENT, keys.sign(CONTENT))
    assert caught.value.kind is Exit.UNSIGNED


def test_no_keyring_and_no_gpgv(keys: Keys) -> None:
    with pytest.raises(UpdateError, match="has no keyring"):
        signature.verify(program.run, "/nonexistent/ring.gpg", b"x", b"y")
    gone = answering(Done(None, "", "", "the program gpgv is not on this host"))
    with pytest.raises(UpdateError, match="the program gpgv is not on this host") as caught:
        signature.verify(gone, str(keys.keyring), b"x", b"y")
    assert caught.value.kind is Exit.FAILED
