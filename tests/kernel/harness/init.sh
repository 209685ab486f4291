#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# First process of a test guest: mounts what programs need, runs them, tells the nonce, powers off.
/bin/busybox mkdir -p /bin /proc /sys /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
mount -t debugfs debug /sys/kernel/debug
mount -t cgroup2 cgroup /sys/fs/cgroup
read -r run < /run-list
# shellcheck disable=SC2086 # a list of words
/programs $run
sh /last-words
read -r nonce < /nonce
/programs --say "end $nonce"
poweroff -f
