#define _GNU_SOURCE
#include "netns_named.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "netns.h"

#define FOLDER "/run/netns"
#define ROOM   96

static int path_of(const char *name, char path[ROOM])
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		return -EINVAL;
	return snprintf(path, ROOM, FOLDER "/%s", name) < ROOM ? 0 : -ENAMETOOLONG;
}

static bool is_there(const char *path)
{
	struct statfs of;

	return statfs(path, &of) == 0 && of.f_type == NSFS_MAGIC;
}

/* What is mounted in it must be seen in all mount namespaces of the host. */
static int share_folder(void)
{
	if (mkdir(FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("", FOLDER, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	/* It is no mount point yet. */
	if (errno != EINVAL || mount(FOLDER, FOLDER, "none", MS_BIND | MS_REC, NULL) < 0 ||
	        mount("", FOLDER, "none", MS_SHARED | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

int netns_make(const char *name)
{
	char path[ROOM];
	int result = path_of(name, path);

	if (result < 0 || is_there(path))
		return result;
	result = share_folder();
	if (result < 0)
		return result;
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	close(fd);
	if (unshare(CLONE_NEWNET) < 0)
		result = -errno;
	else if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) < 0)
		result = -errno;
	netns_leave();
	if (result < 0)
		unlink(path);
	return result;
}

void netns_remove(const char *name)
{
	char path[ROOM];

	if (path_of(name, path) < 0)
		return;
	umount2(path, MNT_DETACH);
	unlink(path);
}
