# SPDX-License-Identifier: GPL-2.0-only
#
# What one test program comes to. In: its output; its exit status in `status`
# ("none": it never ended, or never began); `splat` set if the kernel complained
# meanwhile. Out: "PASSED FAILED SKIPPED", then a line "fail WHY" or "skip WHY"
# for each that was not passed.
#
# A program that says no TAP at all is one test, judged by its exit status.
# One that does must have run as many tests as it planned.

function fail(why) { failed++; fails[++lines] = "fail " why }
function skip(why) { skipped++; fails[++lines] = "skip " why }

/^1\.\.[0-9]+/ {
	has_plan = 1
	plan = substr($1, 4) + 0
	if (plan == 0)
		skip($0)
}

/^ok / {
	ran++
	if ($0 ~ /# *(SKIP|skip)/)
		skip($0)
	else
		passed++
}

/^not ok / {
	ran++
	if ($0 ~ /# *TODO/)
		passed++
	else
		fail($0)
}

/^Bail out!/ { fail($0) }

END {
	if (status == "none")
		fail("did not end: the guest died or hung, or it is not built")
	else if (status == 124 || status == 137)
		fail("hung and was stopped")
	else if (!ran && !has_plan) {
		if (status == 0)
			passed++
		else if (status == 4)
			skip("exit status 4")
		else
			fail("exit status " status)
	} else {
		if (has_plan && ran != plan)
			fail("planned " plan " tests and ran " ran + 0)
		else if (!has_plan)
			fail("ran " ran " tests and had planned none")
		if (status > 128)
			fail("died of signal " status - 128)
		else if (status != 0 && status != 4 && !failed)
			fail("all passed, and yet exit status " status)
	}
	if (splat)
		fail("the kernel complained while it ran")
	print passed + 0, failed + 0, skipped + 0
	for (i = 1; i <= lines; i++)
		print fails[i]
}
