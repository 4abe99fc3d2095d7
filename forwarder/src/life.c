#include "life.h"

#include <pthread.h>

#include "error.h"
#include "forwarder.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static enum { NEVER_STARTED, FAILED, RUNNING, STOPPED } life;

bool life_enter(void)
{
	if (pthread_rwlock_tryrdlock(&lock))
		return false;
	if (life == RUNNING)
		return true;
	pthread_rwlock_unlock(&lock);
	return false;
}

void life_leave(void)
{
	pthread_rwlock_unlock(&lock);
}

static bool hold_if(int wanted)
{
	pthread_rwlock_wrlock(&lock);
	if ((int)life == wanted)
		return true;
	pthread_rwlock_unlock(&lock);
	return false;
}

bool life_starting(void)
{
	return hold_if(NEVER_STARTED);
}

void life_started(bool well)
{
	life = well ? RUNNING : FAILED;
	pthread_rwlock_unlock(&lock);
}

bool life_stopping(void)
{
	return hold_if(RUNNING);
}

void life_stopped(void)
{
	life = STOPPED;
	pthread_rwlock_unlock(&lock);
}

int32_t not_running(void)
{
	return error_set(FWD_ERR_STATE, "the forwarder is not running: call fwd_start first");
}

int32_t bad_argument(const char *text)
{
	return error_set(FWD_ERR_ARGUMENT, "%s", text);
}
