# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts that run programs inside the guest share. $bed is the bed's directory.

seen=0
# new_splats: what the kernel has complained of since this was asked last
new_splats() {
	dmesg | tail -n "+$((seen + 1))" >/tmp/new-dmesg
	seen=$((seen + $(wc -l </tmp/new-dmesg)))
	# shellcheck disable=SC2154 # the script's
	"$bed/splats" /tmp/new-dmesg
}

# wait_for PID SECONDS: 124 if it does not end, not even when it is killed
wait_for() {
	local pid=$1 limit=$2 waited=0
	while kill -0 "$pid" 2>/dev/null; do
		[ "$waited" -lt "$((limit * 5))" ] || return 124
		waited=$((waited + 1))
		sleep 0.2
	done
	wait "$pid"
}
