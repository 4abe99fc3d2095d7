#define _GNU_SOURCE
#include "vhost_socket.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* call: connect or bind, on a socket that lives no longer than the call. 0 or -errno. */
static int try(int (*call)(int, const struct sockaddr *, socklen_t), const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int result = call(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* librte_vhost closes a socket that it cannot bind twice, whoever owns the number by then: so it gets none such. */
static int try_bind(const char *path, char *reason, size_t size)
{
	int result = try(bind, path);

	if (result == 0 && unlink(path) < 0)
		result = -errno;
	if (result < 0)
		snprintf(reason, size, "cannot bind %s: %s%s", path, strerror(-result),
		        result == -ENOENT ? ": make its folder" : "");
	return result;
}

int vhost_socket_clear(const char *path, char *reason, size_t size)
{
	struct stat info;

	if (lstat(path, &info) < 0)
		return try_bind(path, reason, size);
	if (!S_ISSOCK(info.st_mode)) {
		snprintf(reason, size, "%s exists and is no socket: remove it", path);
		return -EEXIST;
	}
	int result = try(connect, path);
	/* A full backlog (EAGAIN) is somebody, too. */
	if (result == 0 || result == -EAGAIN) {
		snprintf(reason, size, "another process listens on %s: stop it", path);
		return -EADDRINUSE;
	}
	if (result == -ECONNREFUSED && unlink(path) == 0)
		return try_bind(path, reason, size);
	if (result == -ECONNREFUSED)
		result = -errno;
	snprintf(reason, size, "cannot replace %s: %s", path, strerror(-result));
	return result;
}

int vhost_socket_share(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat folder;

	if (stat(dirname(strcpy(copy, path)), &folder) < 0 || lchown(path, folder.st_uid, folder.st_gid) < 0 ||
	        chmod(path, 0660) < 0)
		return -errno;
	return 0;
}
