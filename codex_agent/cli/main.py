# SPDX-License-Identifier: Apache-2.0
"""Entry of the ``codex`` command: arguments in, one exit status out, errors by one door."""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module
from typing import NoReturn

import codex_agent
from codex_agent.cli.git_arguments import add_git, add_repos
from codex_agent.errors import CodexError

EXIT_USAGE = 64  # apart from the states of `codex status`, which are 0 to 3
EXIT_DEFECT = 70
EXIT_INTERRUPTED = 130
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", re.ASCII)


class Parser(argparse.ArgumentParser):
    """Hands usage errors to the one door instead of printing the whole usage."""

    def error(self, message: str) -> NoReturn:
        """Raise the usage error with the command that explains more."""
        raise CodexError(f"{message}.", hint=f"Try: {self.prog} --help", exit_code=EXIT_USAGE)


class Version(argparse.Action):
    """Prints the version of the agent and, on an image, that of the image."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print and leave."""
        from codex_agent.host.release import version_of
        from codex_agent.host.root import Root

        image = version_of(Root())
        text = f"codex {codex_agent.__version__}"
        print(f"{text} (image {image})" if image else text)
        parser.exit()


def seconds(text: str) -> float:
    """Return a bounded number of seconds from the command line."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError("must be a number of seconds from 0 to 86400")
    return value


def device(text: str) -> int | str:
    """Return the number or the PCI address of a device from the command line."""
    if re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        return int(text)
    if _ADDRESS.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError("must be a number or a PCI address such as 0000:00:04.0")


def pci_address(text: str) -> str:
    """Return a PCI address from the command line."""
    if _ADDRESS.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError("must be a PCI address such as 0000:00:04.0")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; imports nothing heavy."""
    common = Parser(add_help=False)
    # Without a default of its own the option works before and after the name of the command.
    common.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
    )
    parser = Parser(prog="codex", description="Ask and serve this host.", parents=[common])
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text}.", parents=[common])

    status = command("status", "Show the state of this host and judge it")
    status.epilog = "Exit status: 0 healthy, 1 degraded, 2 failed, 3 unknown."
    status.add_argument("--json", action="store_true", help="print the whole snapshot as JSON")
    status.add_argument(
        "--gate", action="store_true", help="wait until the host has started, print one line"
    )
    status.add_argument(
        "--timeout", type=seconds, default=600.0, metavar="S", help="longest wait of --gate (600)"
    )
    # For the units that end a start which did not come so far as to be judged.
    status.add_argument("--gave-up", metavar="WHY", help=argparse.SUPPRESS)

    probe = command("probe", "Ask the probes that start programs, open devices or wait")
    probe.epilog = "Exit status: 0 all answer or are not for this host, 1 one does not."
    probe.add_argument("name", nargs="?", metavar="NAME", help="ask only this one")
    probe.add_argument("--json", action="store_true", help="print it as JSON")
    probe.add_argument(
        "--keep", action="store_true", help="keep all answers for the verdict on this host"
    )
    probe.add_argument(
        "--forget", nargs="+", type=pci_address, metavar="ADDRESS",
        help="do not miss a GPU any more that was taken out of this host",
    )  # fmt: skip

    serve = command("serve", "Serve the API and the page over HTTPS")
    serve.add_argument(
        "--listen", metavar="ADDRESS:PORT", help="where to listen, unless systemd gives a socket"
    )
    serve.add_argument(
        "--credentials", metavar="DIR", help="folder with server.crt, server.key and token"
    )

    provision = command("provision", "Make certificate authority, certificate and token")
    provision.add_argument(
        "--root", default="/", metavar="DIR", help="work below this folder instead of /"
    )

    token = command("token", "Show or replace the token of the API")
    token.add_argument("action", choices=["show", "rotate"])

    config = command("config", "Show or check the configuration")
    config.add_argument("action", choices=["show", "check"])

    verify = command("verify", "Say what differs from the default of this version, file by file")
    verify.epilog = (
        "Exit status: 0 nothing differs, 1 something does, 3 not all of it could be looked at."
    )
    verify.add_argument("--json", action="store_true", help="print it as JSON")
    _add_reset(command("factory-reset", "Have the next start erase the state of this host"))

    _add_kernel(command("kernel", "Ask and try the kernel services"), common)
    add_repos(command("repos", "Choose which repositories this host shows"), common)
    add_git(command("git", "Show the history of a repository, or write it into a file"), common)
    _add_update(command("update", "Look for a new version, take it, or go back"), common)
    return parser


def _add_reset(reset: argparse.ArgumentParser) -> None:
    reset.epilog = (
        "Exit status: 0 done, 1 not confirmed or failed, 32 this host is no image, 69 the firmware "
        "keeps no variable, 75 an update is under way, 77 only root may."
    )
    for option, text in (
        ("--dry-run", "say what would be lost, and ask for nothing"),
        ("--yes", "do not ask"),
        ("--restart", "restart this host at once"),
        ("--cancel", "take back a reset that was asked for"),
        ("--json", "print it as JSON"),
    ):
        reset.add_argument(option, action="store_true", help=text)


def _add_update(update: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = update.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
        parser = actions.add_parser(
            name, help=text, description=f"{text}.", epilog=epilog, parents=[common]
        )
        parser.add_argument("--json", action="store_true", help="print it as JSON")
        return parser

    def source(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--source", metavar="WHERE", help="https://host/path, or a folder such as a USB disk"
        )
        parser.add_argument("--to", metavar="VERSION", help="this version instead of the newest")

    source(
        action(
            "check",
            "Look at what is offered and what would be new",
            "Exit status: 0 nothing newer, 10 a newer version may be taken, 20 not signed by a key "
            "of this host, others for the refusal that is printed.",
        )
    )
    apply = action(
        "apply",
        "Fetch a version and write it into the other slot",
        "Run it again after an interruption: it goes on. Exit status: 0 done or nothing to do, 20 "
        "to 33 for a refusal, 69 the source does not answer, 75 another update is under way, 77 "
        "only root may.",
    )
    source(apply)
    for option, text in (
        ("--allow-older", "take a version that is older than the running one"),
        ("--again", "try a version once more that did not start well"),
        ("--fetch-only", "fetch and check, and write nothing"),
        ("--scheduled", "do what the policy of this host says for this moment"),
    ):
        apply.add_argument(option, action="store_true", help=text)
    status = action("status", "Show versions, slots and how an update stands")
    status.add_argument(
        "--keep", action="store_true", help="write it down for readers without privilege as well"
    )
    action("settle", "Draw the conclusions from this boot, as is done after each")
    action(
        "answer",
        "Read one request from a socket on standard input, answer it and do it",
        "For codex-update-request@.service. What may be asked for is in docs/security.md.",
    )
    rollback = action(
        "rollback",
        "Let the other good version start next, or take back one that was only written",
        "Exit status: 0 done, 31 there is no other good version, 77 only root may.",
    )
    rollback.add_argument(
        "--to", metavar="VERSION", help="this version; the running one takes back a written one"
    )
    rollback.add_argument("--once", action="store_true", help="at the next restart only")


def _add_kernel(kernel: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = kernel.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str, epilog: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(
            name, help=text, description=f"{text}.", epilog=epilog, parents=[common]
        )
        parser.add_argument("--json", action="store_true", help="print it as JSON")
        return parser

    action(
        "stats",
        "Show how the kernel services stand, with their figures",
        "Exit status: 0 all that are part of this host answer, 1 one does not.",
    )
    request = action(
        "request",
        "Take a request through memory pool and device, and check the result",
        "Exit status: 0 the result is right and nothing was copied, 1 not so, 69 a service or "
        "device is not there, 77 more privilege is needed.",
    )
    request.add_argument(
        "--device", type=device, default=0, metavar="N", help="number or PCI address (0)"
    )


def dispatch(arguments: argparse.Namespace) -> int:
    """Run the chosen command; its module is imported only now."""
    module = import_module(f"codex_agent.cli.{arguments.command.replace('-', '_')}")
    status: int = module.run(arguments)
    return status


def main(argv: list[str]) -> int:
    """Run a command line and return its exit status."""
    debug = "--debug" in argv
    # A failure to find out is the state "unknown", not the state "degraded" or "failed".
    status = next((word for word in argv if not word.startswith("-")), "") == "status"
    try:
        return dispatch(build_parser().parse_args(argv))
    except CodexError as error:
        if debug:
            raise
        print(f"codex: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 3 if status and error.exit_code != EXIT_USAGE else error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (`codex status | head -1`): nothing is left to say.
        sys.stderr.close()
        return 3 if status else 1
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        print(f"codex: a defect of this program: {kind}: {error}", file=sys.stderr)
        print("hint: Run it again with --debug and report what it shows.", file=sys.stderr)
        return 3 if status else EXIT_DEFECT


def entry() -> None:
    """Run the command and leave with its exit status."""
    sys.exit(main(sys.argv[1:]))
