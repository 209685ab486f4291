# SPDX-License-Identifier: Apache-2.0
"""The key that signs updates: ``keys/update.key``, made once, and used by one step that sees it."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from builder import keys, log, sandbox
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree

PRIVATE, PUBLIC = "update.key", "update.pub"
# With which keyring each version was released. It lies with the keys, which outlive build/.
RELEASED = "update-released.json"
PROGRAM = Path(__file__).with_name("update-key")


def ensure(paths: Paths) -> None:
    """Make the pair when it is missing. What is public is a keyring as gpgv and systemd read it."""
    if keys.whole(paths.keys, PRIVATE, PUBLIC):
        return
    work = paths.keys / ".update"
    shutil.rmtree(work, ignore_errors=True)
    with log.step("Making keys: update"), keys.new_pair(paths.keys, PRIVATE, PUBLIC) as pair:
        work.mkdir(mode=0o700)
        try:
            _step(paths, work, "make")
            for name, target in zip((PRIVATE, PUBLIC), pair, strict=True):
                _product(work, name).rename(target)
        finally:
            shutil.rmtree(work)
    keys.give_to_caller(paths.keys)


def keyring(paths: Paths) -> bytes:
    """Return the keys whose updates an image takes: ours, and each ``keys/update-*.pub`` beside it.

    Keys are changed by a version that takes the old one and the new one (docs/operating.md).
    OpenPGP keyrings are put together by writing one behind the other.
    """
    more = sorted(paths.keys.glob("update-*.pub"))
    found = (paths.keys / PUBLIC).read_bytes()
    for path in more:
        content = path.read_bytes()
        # The first packet of a public key, in the old or the new form of its head.
        if content[:1] not in (b"\x98", b"\x99", b"\x9a", b"\xc6"):
            raise BuildError(
                f"keys/{path.name} is no public OpenPGP key in binary form.",
                hint="gpg --export KEY >keys/" + path.name,
            )
        found += content
    return found


def not_exchanged(paths: Paths, version: str) -> None:
    """BuildError when a version was released with another keyring.

    keys/ is no part of the version: hosts that run this number would never take the new keyring,
    and seem to have it.
    """
    if _released(paths).get(version, _digest(paths)) != _digest(paths):
        raise BuildError(
            f"{version} was released with other keys of updates than those of keys/ now: hosts "
            "that run it would not take it once more.",
            hint="git commit --allow-empty gives a new version, which hosts take.",
        )


def remember(paths: Paths, version: str) -> None:
    """Write down with which keyring a version was released."""
    path = paths.keys / RELEASED
    new = path.with_name(f".{path.name}")
    found = _released(paths) | {version: _digest(paths)}
    new.write_text(json.dumps(found, indent=1) + "\n")
    new.replace(path)
    keys.give_to_caller(paths.keys)


def _digest(paths: Paths) -> str:
    return hashlib.sha256(keyring(paths)).hexdigest()


def _released(paths: Paths) -> dict[str, str]:
    path = paths.keys / RELEASED
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BuildError(
            f"keys/{RELEASED} does not say with which keys versions were released.",
            hint="Restore it from your backup; without it, commit before the next make release.",
        )
    return {str(version): str(digest) for version, digest in found.items()}


def sign(paths: Paths, tree: Tree, content: Path) -> Path:
    """Sign a file and return the signature beside it, which gpgv has found good.

    The step that signs is given a copy of the file and the key, and nothing else of this machine.
    """
    keys.check_modes(paths.keys)
    work = content.with_name(f"{content.name}.signing")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        shutil.copy(content, work / content.name)
        _step(paths, work, "sign", content.name, files=[paths.keys / PRIVATE])
        signature = content.with_name(f"{content.name}.gpg")
        _product(work, signature.name).replace(signature)
    finally:
        shutil.rmtree(work)
    signature.chmod(0o644)
    if not verified(paths, tree, content, signature):
        raise BuildError(
            f"The new signature of {content.name} is not one of keys/{PUBLIC}.",
            hint=f"keys/{PRIVATE} and keys/{PUBLIC} do not belong together; "
            "restore both from one backup.",
        )
    return signature


def verified(paths: Paths, tree: Tree, content: Path, signature: Path) -> bool:
    """Whether the signature is one of our key over this content."""
    keyring = paths.keys / PUBLIC
    try:
        tree.output(["gpgv", "--keyring", keyring, signature, content])
    except BuildError:
        return False
    return True


def _step(paths: Paths, folder: Path, *words: str, files: Sequence[Path] = ()) -> None:
    argv: list[str | Path] = ["sh", sandbox.FILES / PROGRAM.name, *words]
    logfile = paths.logs / "update-key.log"
    sandbox.run(paths, folder, argv, log=logfile, user=sandbox.ROOT, files=[PROGRAM, *files])


def _product(folder: Path, name: str) -> Path:
    """Return a file that the sandbox left; a link in its place could point anywhere."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise BuildError(f"The step that signs left no {name}.", hint="See build/logs.")
    return path
