/*
 * Stops some threads of a process for a while, as if their language's run time hung, and lets all its other threads
 * run.
 *
 *   freeze PID PREFIX SECONDS   stops every thread whose name does not start with PREFIX; prints {"frozen": N,
 * "running": N}
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };

/* Name of a thread, "" when it is gone. */
static void name_of(const char *pid, const char *thread, char name[32])
{
	char path[128];

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%.16s/task/%.16s/comm", pid, thread);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return;
	if (fgets(name, 32, file) == NULL)
		name[0] = '\0';
	fclose(file);
}

static int freeze(pid_t thread)
{
	if (ptrace(PTRACE_SEIZE, thread, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, thread, 0, 0) != 0)
		return -1;
	return waitpid(thread, NULL, __WALL) == thread ? 0 : -1;
}

int main(int argc, char **argv)
{
	pid_t frozen[MAX_THREADS];
	int count = 0, running = 0;
	char path[64];

	if (argc != 4)
		return fprintf(stderr, "usage: freeze PID PREFIX SECONDS\n"), 2;
	snprintf(path, sizeof(path), "/proc/%.16s/task", argv[1]);
	DIR *tasks = opendir(path);
	if (tasks == NULL)
		return fprintf(stderr, "error: no process %s\n", argv[1]), 1;
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		char name[32];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		name_of(argv[1], entry->d_name, name);
		if (strncmp(name, argv[2], strlen(argv[2])) == 0)
			running++;
		else if (count < MAX_THREADS && freeze(atoi(entry->d_name)) == 0)
			frozen[count++] = atoi(entry->d_name);
	}
	closedir(tasks);
	printf("{\"frozen\": %d, \"running\": %d}\n", count, running);
	fflush(stdout);
	sleep((unsigned int)atoi(argv[3]));
	for (int i = 0; i < count; i++)
		ptrace(PTRACE_DETACH, frozen[i], 0, 0);
	return 0;
}
