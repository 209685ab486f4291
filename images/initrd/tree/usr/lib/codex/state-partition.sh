# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What make-state and ask-reset know: the partition that holds /var, and the request to erase it.
#
# The request is a variable of the firmware that names one partition by its UUID. A variable that says only "yes", such as
# systemd's FactoryReset, would erase whichever disk is found, and would erase it again wherever the firmware does not let
# it be removed. A partition that is made anew has another UUID, so this request can be fulfilled once.

request=/sys/firmware/efi/efivars/CodexFactoryReset-ec4a643e-7d37-4bd2-8c11-dbf83c8007a2
# Type of partitions with a /var (Discoverable Partitions Specification).
type=4d21b016-b534-45c2-a9fb-5c16e091fd2d

say() { echo "codex-initrd: $*"; }

# The disk that holds the verified root: the first 128 bits of the root hash are the UUID of its partition.
root_disk() {
	uuid=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^roothash=\([0-9a-f]\{8\}\)\([0-9a-f]\{4\}\)\([0-9a-f]\{4\}\)\([0-9a-f]\{4\}\)\([0-9a-f]\{12\}\)[0-9a-f]\{32\}$/\1-\2-\3-\4-\5/p')
	[ -n "$uuid" ] || { echo "codex-initrd: the command line names no root hash." >&2; return 1; }
	echo "/dev/$(lsblk --noheadings --nodeps --output PKNAME "/dev/disk/by-partuuid/$uuid")"
}

# UUID and label of each partition of a disk that is of this type, from the disk itself: udev may know an older state.
state_partitions() {
	lsblk --noheadings --list --output PATH "$1" | sort -u | while read -r path; do
		status=0
		found=$(blkid --probe --output export "$path") || status=$?
		# 2: nothing that blkid knows, as in an empty slot; 8: more than one thing at once, so not ours.
		case $status in 0 | 2 | 8) ;; *) echo "codex-initrd: blkid ended with status $status for $path." >&2 ;; esac
		case $found in
		*"PART_ENTRY_TYPE=$type"*)
			echo "$(echo "$found" | sed -n 's/^PART_ENTRY_UUID=//p') $(echo "$found" | sed -n 's/^PART_ENTRY_NAME=//p')"
			;;
		esac
	done
}

# The UUID that the request names; nothing where there is no request, "?" where it names no partition.
requested() {
	[ -e "$request" ] || return 0
	# Four bytes of attributes, then 36 characters.
	uuid=$(dd if="$request" bs=4 skip=1 status=none | tr -c '0-9a-f-' '?')
	echo "$uuid" | grep -Eqx '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' || uuid='?'
	echo "$uuid"
}

# Takes the request back; fails where the firmware keeps it.
forget() {
	[ -e "$request" ] || return 0
	# The kernel guards variables that it does not know against a careless rm.
	chattr -i "$request" || return 1
	rm "$request"
}

# Leaves the request to erase the partition of this UUID, and looks whether the firmware has kept it.
ask_for() {
	forget || return 1
	# Non-volatile, for boot loader and system; in one piece, because the firmware takes a variable as a whole.
	printf '\007\000\000\000%s' "$1" >"$request" || return 1
	[ "$(requested)" = "$1" ]
}
