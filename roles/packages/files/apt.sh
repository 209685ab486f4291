# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the role says to apt, on the host. The role writes behind it which of these functions is called, and with what.
# Ansible's own module of apt goes through all names that apt knows, more than once for each call: seconds on a slow
# host.
set -eu
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical

# Into a file: apt would die of a connection that is gone, and leave packages half installed.
said=$(mktemp /var/tmp/codex-apt.XXXXXX)
trap 'rm -f "$said"' EXIT

# Ends with what is complained of, the most telling first: a full disk has apt fetch lists in other forms, and complain
# of each that the mirror has not got; of the disk itself apt 3 speaks while it fetches, two columns in, and not at the
# end. dpkg says its reason in the line below, one column in.
complain() {
  sed -n -E '/^(E: |  ).*(No space left|enough free space)/s/^ *//p' "$said" >&2
  sed -n -e '/^dpkg: error/{' -e '$!N' -e 's/:\n  */: /' -e 's/\n.*//' -e p -e '}' -e '/^E: Sub-process/d' \
    -e '/^E: /p' "$said" >&2
  tail -n 40 "$said" >&2
  exit 100
}

# Debian's daily upgrade may be at work, and ends. For some of its locks apt does not wait by itself; one that did not
# get them has changed nothing.
patiently() {
  tries=${CODEX_APT_TRIES:-90}
  until "$@" </dev/null >"$said" 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ] || ! grep -q 'Could not get lock' "$said"; then return 100; fi
    sleep 10
  done
}

# Whether there are lists of packages that are not older than an hour.
recent() {
  lists=
  eval "$(apt-config shell lists Dir::State::lists/d)"
  [ -d "$lists" ] && [ -n "$(find "$lists" -maxdepth 0 -mmin -60)" ] &&
    [ -n "$(find "$lists" -maxdepth 1 -name '*_Packages*' | head -n 1)" ]
}

fetched=
fetch_lists() {
  fetched=yes
  # What is fetched, and what went wrong with it, is said by apt 3 in this form alone.
  patiently apt-get update --quiet=1 --option APT::Update::Error-Mode=any --option Acquire::Retries=3 || complain
  # It stays as old as it is where nothing was new.
  touch "$lists"
}

# Stops rather than remove something, as apt would remove chrony for systemd-timesyncd.
ask_apt() {
  apt-get install --quiet=2 --yes --no-install-recommends --no-remove --option DPkg::Lock::Timeout=900 \
    --option Dpkg::Use-Pty=0 --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "$@"
}

# Lists are not to be trusted by their age alone: power or room may have ended while they were fetched. What apt does
# not find in them, nor at the mirror, it has not begun to install.
install() {
  if patiently ask_apt "$@"; then return; fi
  missing='Unable to (locate|correct|satisfy|fetch)|no installation candidate|Unmet dependencies|Failed to fetch'
  if [ -n "$fetched" ] || ! grep -qE "^E: .*($missing)" "$said"; then complain; fi
  fetch_lists
  patiently ask_apt "$@" || complain
}

install_packages() {
  recent || fetch_lists
  for companion in ${companions-}; do
    if apt-cache show "$companion" 2>/dev/null | grep -q '^Package: '; then set -- "$@" "$companion"; fi
  done
  install "$@"
}

# Of our own, by their paths. Where all is there that they depend on, no archive is needed. An older version is a
# request like any other.
install_files() {
  recent || :
  install --allow-downgrades "$@"
}

# In the tree of an image, where no lists are: what they depend on came before them.
unpack_files() {
  patiently dpkg --install --force-confdef --force-confold "$@" || complain
}
