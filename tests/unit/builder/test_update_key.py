# SPDX-License-Identifier: Apache-2.0
"""The key of updates, made and used by real GnuPG; the sandbox around it is a stand-in."""

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builder import keys, sandbox, update_key
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder import images
from tests.unit.builder.conftest import HostTree

pytestmark = pytest.mark.skipif(shutil.which("gpg-agent") is None, reason="no gpg-agent")


@pytest.fixture
def beside(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> images.Beside:
    found = images.Beside(tmp_path / "shown")
    monkeypatch.setattr(sandbox, "run", found)
    monkeypatch.delenv("SUDO_UID", raising=False)
    paths.keys.mkdir(mode=0o700)
    return found


@pytest.fixture
def content(paths: Paths) -> Path:
    path = paths.build / "SHA256SUMS"
    path.write_text("a list\n")
    return path


def _packets(path: Path) -> str:
    return images.run("gpg", "--batch", "--list-packets", path)


def test_pair_is_made_once(paths: Paths, beside: images.Beside) -> None:
    update_key.ensure(paths)
    before = {path.name: path.read_bytes() for path in paths.keys.iterdir()}
    assert before.keys() == {"update.key", "update.pub"}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.keys.iterdir()}
    assert modes == {"update.key": 0o600, "update.pub": 0o644}
    update_key.ensure(paths)
    assert {path.name: path.read_bytes() for path in paths.keys.iterdir()} == before
    # It was made without any other key of the build in sight.
    assert beside.steps == [(["make"], ["update-key"], [])]
    keys.check_modes(paths.keys)
    assert keys.private_names(paths) == ["update.key"]


def test_public_half_holds_no_secret_and_does_not_expire(
    paths: Paths, beside: images.Beside
) -> None:
    update_key.ensure(paths)
    assert ":secret key packet:" in _packets(paths.keys / "update.key")
    public = _packets(paths.keys / "update.pub")
    assert ":public key packet:" in public
    assert "secret" not in public
    assert "key expires" not in public


def test_signature_is_of_this_key_over_this_content(
    paths: Paths, tree: HostTree, beside: images.Beside, content: Path
) -> None:
    update_key.ensure(paths)
    signature = update_key.sign(paths, tree, content)
    assert signature == content.with_name("SHA256SUMS.gpg")
    assert update_key.verified(paths, tree, content, signature)
    assert "digest algo 10" in _packets(signature)
    assert sorted(path.name for path in paths.build.iterdir() if "SHA" in path.name) == [
        "SHA256SUMS", "SHA256SUMS.gpg",
    ]  # fmt: skip
    content.write_text("another list\n")
    assert not update_key.verified(paths, tree, content, signature)
    signature.write_bytes(b"nothing")
    assert not update_key.verified(paths, tree, content, signature)


def test_pair_that_does_not_belong_together(
    paths: Paths, tree: HostTree, beside: images.Beside, content: Path
) -> None:
    update_key.ensure(paths)
    public = (paths.keys / "update.pub").read_bytes()
    for name in ("update.key", "update.pub"):
        (paths.keys / name).unlink()
    update_key.ensure(paths)
    (paths.keys / "update.pub").write_bytes(public)
    with pytest.raises(BuildError, match=r"is not one of keys/update\.pub"):
        update_key.sign(paths, tree, content)


def test_key_that_others_can_read_is_not_used(
    paths: Paths, tree: HostTree, beside: images.Beside, content: Path
) -> None:
    update_key.ensure(paths)
    (paths.keys / "update.key").chmod(0o640)
    with pytest.raises(BuildError, match="others could read"):
        update_key.sign(paths, tree, content)
    assert len(beside.steps) == 1


def _link(folder: Path) -> None:
    (folder / "SHA256SUMS.gpg").symlink_to("/etc/passwd")


def _nothing(_folder: Path) -> None:
    pass


@pytest.mark.parametrize("leaves", [_link, _nothing])
def test_step_that_leaves_something_else(
    paths: Paths, tree: HostTree, beside: images.Beside, content: Path,
    monkeypatch: pytest.MonkeyPatch, leaves: Callable[[Path], None],
) -> None:  # fmt: skip
    update_key.ensure(paths)

    def step(_paths: Paths, folder: Path, *_words: Any, **_options: Any) -> None:
        leaves(folder)

    monkeypatch.setattr(sandbox, "run", step)
    with pytest.raises(BuildError, match=r"left no SHA256SUMS\.gpg"):
        update_key.sign(paths, tree, content)
    assert [path.name for path in paths.build.glob("SHA256SUMS*")] == ["SHA256SUMS"]


def test_making_that_fails_leaves_no_half(
    paths: Paths, beside: images.Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(_paths: Paths, folder: Path, *_words: Any, **_options: Any) -> None:
        (folder / "update.key").write_text("half")
        raise subprocess.CalledProcessError(1, "gpg")

    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "run", step)
        with pytest.raises(subprocess.CalledProcessError):
            update_key.ensure(paths)
    assert list(paths.keys.iterdir()) == []
    update_key.ensure(paths)
    assert (paths.keys / "update.key").read_text(errors="replace") != "half"


def test_an_image_takes_the_keys_that_lie_beside_ours(
    paths: Paths, tree: HostTree, beside: images.Beside, content: Path
) -> None:
    """While keys are changed, what either of them has signed is good; and nothing else."""
    update_key.ensure(paths)
    old = update_key.sign(paths, tree, content).rename(content.with_suffix(".old"))
    (paths.keys / "update.key").rename(paths.keys / "away.key")
    (paths.keys / "update.pub").rename(paths.keys / "update-old.pub")
    update_key.ensure(paths)
    new = update_key.sign(paths, tree, content)
    ring = paths.build / "ring.gpg"
    ring.write_bytes(update_key.keyring(paths))
    for signature in (old, new):
        images.run("gpgv", "--keyring", ring, signature, content)
    (paths.keys / "update-old.pub").unlink()
    ring.write_bytes(update_key.keyring(paths))
    images.run("gpgv", "--keyring", ring, new, content)
    with pytest.raises(AssertionError, match="No public key"):
        images.run("gpgv", "--keyring", ring, old, content)


@pytest.mark.parametrize("content_of", [b"", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", b"\x95"])
def test_a_key_of_another_form_is_refused(
    paths: Paths, beside: images.Beside, content_of: bytes
) -> None:
    update_key.ensure(paths)
    (paths.keys / "update-next.pub").write_bytes(content_of)
    with pytest.raises(BuildError, match="update-next"):
        update_key.keyring(paths)
