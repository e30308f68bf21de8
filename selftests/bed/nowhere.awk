# SPDX-License-Identifier: GPL-2.0-only
#
# What was skipped wherever it was tried. In: the logs of all homes, each named
# after its program. Out: a line "PROGRAM TEST: REASON" for each test that was
# skipped and ran in no home. FIXTURE.VARIANT.TEST has run if it did with any
# variant; a skip that names no test (kselftest.h's own) is not known again.

/^(not )?ok [0-9]+ / {
	test = $0
	sub(/^(not )?ok [0-9]+ (- )?/, "", test)
	reason = test
	sub(/ *# .*/, "", test)
	n = split(test, part, ".")
	if (n == 3)
		test = part[1] "." part[3]
	program = FILENAME
	sub(/.*\//, "", program)
	sub(/\.log$/, "", program)
	test = program " " test
	if (reason !~ /# *(SKIP|skip)/)
		ran[test]
	else if (reason !~ /^# /)
		skipped[test] = reason
}

END {
	for (test in skipped) {
		if (test in ran)
			continue
		sub(/.*# *(SKIP|skip) */, "", skipped[test])
		print test ": " skipped[test]
	}
}
