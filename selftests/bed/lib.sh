# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every script of the bed shares: where things are, how to fail, and the
# cache. Kernels take minutes to make and do not change with the checkout, so
# they live outside of it, each under a name that holds all it was made from.
# A cache entry is built beside its final place and renamed in, under a lock:
# it is whole or absent, and two runs never build the same one.

set -Eeuo pipefail
shopt -s inherit_errexit

bed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for the scripts
top=$(cd "$bed/../.." && pwd)
cache=${MMSB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mmsb}
# On a machine with much else to do, all time limits can be stretched
# shellcheck disable=SC2034 # for the scripts
slow=${MMSB_SLOW:-1}
export PATH=$PATH:/usr/sbin:/sbin

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

# need COMMAND GROUP: the command is there, or the person is told how to get it
need() {
	command -v "$1" >/dev/null || die "$1 is missing; run: scripts/setup $2"
}

# cache_fill KEY FUNCTION [ARG...]: print the entry's path, made by FUNCTION in
# the directory that it is given as last argument if it is not there yet
cache_fill() {
	local entry=$cache/$1 file=$cache/.$1.lock lock tmp
	shift
	if [ ! -d "$entry" ]; then
		mkdir -p "$cache"
		exec {lock}>"$file"
		flock -n "$lock" || {
			say "waiting for another run to make ${entry##*/}"
			flock "$lock"
		}
		if [ ! -d "$entry" ]; then
			tmp=$(mktemp -d "$cache/.new.XXXXXX")
			cache_tmp=$tmp
			trap cache_clean EXIT
			chmod 755 "$tmp"
			"$@" "$tmp" >&2
			mv "$tmp" "$entry"
			cache_tmp=
		fi
		exec {lock}>&-
	fi
	echo "$entry"
}

# No script of the bed dies in silence
trap 'say "line $LINENO failed: $BASH_COMMAND"' ERR

# A build that fails or is interrupted leaves nothing behind
cache_tmp=
cache_clean() { if [ -n "$cache_tmp" ]; then rm -rf "$cache_tmp"; fi; }
trap 'exit 130' INT TERM HUP

# prune TREE PATTERN [DIR...]: delete the files of TREE named like PATTERN (an
# argument of find's), but for those below its DIRs
prune() {
	local tree=$1 pattern=$2 dir spared=()
	shift 2
	for dir; do spared+=(-path "$tree/$dir" -prune -o); done
	find "$tree" "${spared[@]}" -type f -name "$pattern" -exec rm -f {} +
}

# package_version PACKAGE: of what is installed, or fail
package_version() {
	# shellcheck disable=SC2016 # dpkg's own syntax
	dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null |
		sed -n 's/^installed //p' | grep .
}

# headers_release SERIES: newest installed Debian headers of 6.1 or 6.12
headers_release() {
	local dir
	for dir in /usr/src/linux-headers-"$1".*-amd64; do
		[ -d "$dir" ] || continue
		case $dir in *-rt-* | *-cloud-*) continue ;; esac
		echo "${dir#/usr/src/linux-headers-}"
	done | sort -V | tail -1 | grep . ||
		die "no Debian headers of Linux $1; run: scripts/setup guest"
}

# kernel_source SERIES: Debian's source tarball
kernel_source() {
	local tarball=/usr/src/linux-source-$1.tar.xz
	[ -e "$tarball" ] || die "$tarball is missing; run: scripts/setup debug"
	echo "$tarball"
}
