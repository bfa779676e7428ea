/* The table of all steps: a name comes in, where it may stand, the shape of its arguments and its function go out. */
#include <string.h>

#include "step.h"

static const struct op ops[] = {
	{ "mkdir", IN_MONITOR, "pU", step_mkdir },
	{ "workdir", IN_MONITOR, "p", step_workdir },
	{ "chown", IN_MONITOR, "pDD", step_chown },
	{ "write", IN_MONITOR, "pd|b", step_write },
	{ "open", IN_PREPARE | IN_MAPPED, "kpU", step_open },
	{ "userns", IN_PREPARE, "kss", step_userns },
	{ "tree", IN_PREPARE | IN_MAPPED | IN_SETUP, "kpbbb|k", step_tree },
	{ "netdev", IN_MAPPED, "ss|k", step_netdev },
	{ "netns", IN_PREPARE | IN_MAPPED, "kp|U", step_netns },
	{ "network", IN_PREPARE, "kLb", step_network },
	{ "devices", IN_PREPARE | IN_MAPPED, "pF", step_devices },
	{ "rmdir", IN_MONITOR, "p", step_rmdir },
	{ "unmount", IN_MONITOR, "p", step_unmount },
	{ "unlink", IN_MONITOR, "p", step_unlink },
	{ "device", IN_PREPARE, "kUUUDD", step_device },
	{ "connect", IN_PREPARE, "kp", step_connect },
	{ "fifo", IN_PREPARE, "pU", step_fifo },

	{ "join", IN_SETUP, "k", step_join },
	{ "unshare", IN_SETUP, "U", step_unshare },
	{ "setns", IN_SETUP, "kU", step_setns },
	{ "propagation", IN_SETUP, "U", step_propagation },
	{ "fs", IN_SETUP, "ksKU|p", step_fs },
	{ "copyup", IN_SETUP, "kp", step_copyup },
	{ "place", IN_SETUP, "kp", step_place },
	{ "rootat", IN_SETUP, "kp", step_rootat },
	{ "root", IN_SETUP, "k", step_root },
	{ "bindroot", IN_SETUP, "pb", step_bindroot },
	{ "mount", IN_SETUP, "kpUb", step_mount },
	{ "attr", IN_SETUP, "pUUUb", step_attr },
	{ "folder", IN_SETUP, "pU", step_folder },
	{ "node", IN_SETUP, "pUUUDD", step_node },
	{ "mountnode", IN_SETUP, "kp", step_mountnode },
	{ "link", IN_SETUP, "sp", step_link },
	{ "console", IN_SETUP, "p", step_console },
	{ "sysctl", IN_SETUP, "ss", step_sysctl },
	{ "mask", IN_SETUP, "P", step_mask },
	{ "readonly", IN_SETUP, "P", step_readonly },
	{ "pivot", IN_SETUP, "", step_pivot },
	{ "chroot", IN_SETUP, "", step_chroot },
	{ "hostname", IN_SETUP, "s", step_hostname },
	{ "domainname", IN_SETUP, "s", step_domainname },
	{ "loopback", IN_SETUP, "", step_loopback },

	{ "rlimit", IN_SETUP | IN_EXEC, "Uuu", step_rlimit },
	{ "oom", IN_SETUP | IN_EXEC, "i", step_oom },
	{ "attribute", IN_SETUP | IN_EXEC, "ss", step_attribute },
	{ "session", IN_SETUP | IN_EXEC, "", step_session },
	{ "personality", IN_SETUP | IN_EXEC, "U", step_personality },
	{ "scheduler", IN_SETUP | IN_EXEC, "UUiUuuu", step_scheduler },
	{ "ioprio", IN_SETUP | IN_EXEC, "UU", step_ioprio },
	{ "affinity", IN_SETUP | IN_EXEC, "F", step_affinity },
	{ "mempolicy", IN_SETUP | IN_EXEC, "Ud", step_mempolicy },
	{ "umask", IN_SETUP | IN_EXEC, "U", step_umask },
	{ "cwd", IN_SETUP | IN_EXEC, "pb", step_cwd },
	{ "user", IN_SETUP | IN_EXEC, "SDDIb|b", step_user },
	{ "caps", IN_SETUP | IN_EXEC, "uuuuu", step_caps },
	{ "nnp", IN_SETUP | IN_EXEC, "", step_nnp },
	{ "seccomp", IN_SETUP | IN_EXEC, "FU|kL", step_seccomp },
	{ "sync", IN_SETUP, "s", step_sync },
	{ "hook", IN_SETUP, "pLLUss", step_hook },
	{ "lookup", IN_SETUP | IN_EXEC, "", step_lookup },
	{ "hold", IN_SETUP, "kk", step_hold },
	{ "exec", IN_SETUP | IN_EXEC, "LL|b", step_exec },
};

const struct op *op_find(const char *name) {
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcmp(ops[i].name, name) == 0) return &ops[i];
	return NULL;
}
