/* SPDX-License-Identifier: GPL-2.0-only */
/* A disk that is soon full: a tmpfs of a megabyte, in a mount namespace of the test's own. */
#ifndef SMALLDISK_H
#define SMALLDISK_H

#define SMALLDISK	(1u << 20)
#define SMALLDISK_SIZE	"size=1M"	/* as mount() wants it */

/*
 * From here on it lies at `place`, for this process alone. 0 or a negative errno: whoever is not root needs user namespaces for it, which Debian
 * lets anybody have.
 */
int smalldisk_mount(const char *place);

#endif
