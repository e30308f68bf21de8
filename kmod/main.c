// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, and the order in which its parts come up and go down.
 *
 * Nothing here counts users. Every file of ours pins the module through its operations, and every space, also a pinned one
 * that no process holds, pins it through the mount that its inode lives on (inode.c): by the time mmsb_exit() runs,
 * there is no space left, and pollers have nothing to poll.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include "device.h"
#include "limits.h"
#include "names.h"
#include "netlink.h"
#include "poller.h"
#include "pressure.h"

unsigned int mmsb_max_spaces = 1024;
module_param_named(max_spaces, mmsb_max_spaces, uint, 0644);
MODULE_PARM_DESC(max_spaces, "spaces there may be in all (1024)");

unsigned int mmsb_max_user_spaces = 256;
module_param_named(max_user_spaces, mmsb_max_user_spaces, uint, 0644);
MODULE_PARM_DESC(max_user_spaces, "spaces that one user without CAP_SYS_RESOURCE may have made (256)");

unsigned long mmsb_max_user_pages = 64ul << 20;
module_param_named(max_user_pages, mmsb_max_user_pages, ulong, 0644);
MODULE_PARM_DESC(max_user_pages, "pages that there may be in all spaces of one user without CAP_SYS_RESOURCE (67108864)");

unsigned long mmsb_max_user_bytes = 256ul << 30;
module_param_named(max_user_bytes, mmsb_max_user_bytes, ulong, 0644);
MODULE_PARM_DESC(max_user_bytes, "bytes of arena in all spaces of one user without CAP_SYS_RESOURCE (274877906944)");

unsigned int mmsb_max_user_rings = 16384;
module_param_named(max_user_rings, mmsb_max_user_rings, uint, 0644);
MODULE_PARM_DESC(max_user_rings, "rings in all spaces of one user without CAP_SYS_RESOURCE (16384)");

unsigned long mmsb_max_pages = 16ul << 20;
module_param_named(max_pages, mmsb_max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages, "pages that one space may ask for (16777216)");

unsigned long mmsb_max_bytes = 64ul << 30;
module_param_named(max_bytes, mmsb_max_bytes, ulong, 0644);
MODULE_PARM_DESC(max_bytes, "bytes of arena that one space may ask for (68719476736)");

unsigned int mmsb_max_rings = 1024;
module_param_named(max_rings, mmsb_max_rings, uint, 0644);
MODULE_PARM_DESC(max_rings, "rings that one space may ask for (1024)");

unsigned int mmsb_poll_idle_us = 50;
module_param_named(poll_idle_us, mmsb_poll_idle_us, uint, 0644);
MODULE_PARM_DESC(poll_idle_us, "microseconds that a poller looks in vain before it sleeps (50)");

/* Where everything is checked anyway, all of it is. */
#define AUDIT_DEFAULT	(IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN) || IS_ENABLED(CONFIG_PROVE_LOCKING))

unsigned int mmsb_audit = AUDIT_DEFAULT;
module_param_named(audit, mmsb_audit, uint, 0644);
MODULE_PARM_DESC(audit, "every so many recomputes of derived pages are done twice and compared; 0: none (0; in debug kernels 1)");

unsigned int mmsb_pressure_ms = 100;
module_param_named(pressure_ms, mmsb_pressure_ms, uint, 0644);
MODULE_PARM_DESC(pressure_ms, "milliseconds for which entries of a queue are held up before that is told (100)");

static int __init mmsb_init(void)
{
	int err;

	err = mmsb_pollers_init();
	if (err)
		return err;
	err = mmsb_pressure_init();
	if (err)
		goto err_pollers;
	err = mmsb_names_init();
	if (err)
		goto err_pressure;
	err = mmsb_netlink_init();
	if (err)
		goto err_names;
	err = mmsb_device_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	mmsb_netlink_exit();
err_names:
	mmsb_names_exit();
err_pressure:
	mmsb_pressure_exit();
err_pollers:
	mmsb_pollers_exit();
	return err;
}

static void __exit mmsb_exit(void)
{
	mmsb_device_exit();
	mmsb_netlink_exit();
	mmsb_names_exit();
	mmsb_pressure_exit();
	mmsb_pollers_exit();
}

module_init(mmsb_init);
module_exit(mmsb_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Memory-mapped state bus");
MODULE_AUTHOR("The MMSB authors");
MODULE_VERSION(MMSB_VERSION);
