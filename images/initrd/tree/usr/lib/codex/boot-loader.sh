# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What count-boots and fall-back know of the boot loader: which entry it started, and which others it has.
#
# systemd-boot names an entry by its file, in small letters and without the tries, so the name does not tell whether the
# entry was given up. Its place does: entries without tries left are listed behind all others. Else versions come before
# the entries for shells and resets, and the newest version first.

variable() { echo "/sys/firmware/efi/efivars/$1-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"; }

has() { [ -e "$(variable "$1")" ]; }

say() { echo "codex-initrd: $*"; }

# The texts of a variable of the boot loader, each on its line: four bytes of attributes, then UTF-16, with a zero at the
# end of each text. Names of our entries are printable ASCII; what is not becomes "?", which stands in none of them.
texts() {
	printf '%b' "$(dd if="$(variable "$1")" bs=4 skip=1 status=none | od -An -v -t o1 -w2 |
		sed -e 's/^ 000 000$/\\n/' -e t -e 's/^ \(0[4-7].\|1..\) 000$/\\0\1/' -e t -e 's/.*/?/' | tr -d '\n')"
}

# The version that an entry of this name starts; nothing where it is none of ours, or one for shells or a reset.
version() {
	printf '%s\n' "$1" | sed -n 's/^codex-os_\([0-9][0-9A-Za-z.~^-]*\)\(+[0-9][0-9-]*\)\{0,1\}\.efi$/\1/p'
}

newer() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]; }

# The entry of the first version in the list that is not this one and was not given up.
other_than() {
	texts LoaderEntries | {
		before=
		while read -r entry || [ -n "$entry" ]; do
			case $entry in codex-os-reset_* | codex-os-shell_*) exit 0 ;; esac
			found=$(version "$entry")
			[ -n "$found" ] || continue
			[ -z "$before" ] || ! newer "$found" "$before" || exit 0
			before=$found
			[ "$found" != "$1" ] || continue
			echo "$entry"
			exit 0
		done
	}
}
