#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# probe.sh HEADER RELEASE PROBES COMPILER FLAGS...: compiles every PROBES/*.c as a module's source would be and writes HEADER.
# sanity.c has to compile: when it does not, the compiler or the headers are broken and no answer of the others would mean
# anything, so that is an error. What the compiler said about each is in ai_features.log beside HEADER.
set -eu

header=$1
release=$2
probes=$3
shift 3

log=${header%.h}.log
work=$(mktemp -d "$header.XXXXXX")
trap 'rm -rf "$work"' EXIT

compiles() {
	"$@" -Werror -Wno-error=unused-variable -DMODULE -DKBUILD_MODNAME='"probe"' -DKBUILD_BASENAME='"probe"' \
		-D__KBUILD_MODNAME=kmod_probe -c -o "$work/probe.o" "$source" >"$work/said" 2>&1
}

: >"$work/log"
source=$probes/sanity.c
if ! compiles "$@"; then
	cat "$work/said" >&2
	echo "probe.sh: $source does not compile for $release: the compiler or the kernel's headers are not usable" >&2
	exit 1
fi

{
	echo "/* SPDX-License-Identifier: GPL-2.0-only */"
	echo "/* What the probes found in $release; written by probe.sh, do not edit. */"
	echo "#ifndef _AI_FEATURES_H"
	echo "#define _AI_FEATURES_H"
	echo
	for source in "$probes"/*.c; do
		name=${source##*/}
		name=${name%.c}
		[ "$name" = sanity ] && continue
		if compiles "$@"; then
			echo "#define AI_HAVE_$(echo "$name" | tr '[:lower:]' '[:upper:]') 1"
		else
			{
				echo "== $name: no"
				cat "$work/said"
			} >>"$work/log"
		fi
	done
	echo
	echo "#endif"
} >"$work/header"

mv "$work/log" "$log"
mv "$work/header" "$header"
