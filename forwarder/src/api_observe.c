/* The public calls that look at frames: captures and traces. See include/forwarder.h. */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "capture_filter.h"
#include "error.h"
#include "forwarder.h"
#include "life.h"
#include "trace.h"

#define SENTENCE_ROOM 256u

int32_t fwd_filter_compile(const char *text, void *out, uint32_t length)
{
	if (!text || !out || length < SENTENCE_ROOM)
		return bad_argument("out: give room for 256 bytes");
	int count = filter_compile(text, out, length / FILTER_STEP_BYTES, out, length);
	return count < 0 ? bad_argument(out) : count * (int32_t)FILTER_STEP_BYTES;
}

static int32_t refused(int32_t result, uint32_t port)
{
	switch (result) {
	case -ENOENT:
		return error_set(FWD_ERR_ARGUMENT, "there is no port %u", port);
	case -EBUSY:
		return error_set(FWD_ERR_FULL, "the port is captured already: end that capture first");
	case -ENFILE:
		return error_set(FWD_ERR_FULL, "%u ports are captured already, which is the most", CAPTURE_LIMIT);
	case -ENOMEM:
		return error_set(FWD_ERR_MEMORY, "no memory left");
	default:
		return result;
	}
}

int32_t fwd_capture_open(uint32_t port, uint32_t snap, const void *filter, uint32_t length)
{
	uint32_t count = length / FILTER_STEP_BYTES;
	if (length % FILTER_STEP_BYTES != 0 || (length > 0 && (!filter || !filter_valid(filter, count))))
		return bad_argument("filter: give a program of fwd_filter_compile");
	if (!life_enter())
		return not_running();
	int32_t result = refused(capture_open(port, snap, filter, count), port);
	life_leave();
	return result;
}

static int32_t mapped(int32_t result)
{
	if (result == -EINVAL)
		return bad_argument("there is no such capture");
	return result == -ENOSPC ? bad_argument("out is too small for the first record") : result;
}

int32_t fwd_capture_read(uint32_t capture, void *out, uint32_t length)
{
	if (!out || !length)
		return bad_argument("out is too small");
	if (!life_enter())
		return not_running();
	int32_t result = mapped(capture_read(capture, out, length));
	life_leave();
	return result;
}

int32_t fwd_capture_close(uint32_t capture)
{
	if (!life_enter())
		return not_running();
	int32_t result = mapped(capture_close(capture));
	life_leave();
	return result;
}

int32_t fwd_trace(uint32_t port, const void *frame, uint32_t frame_length, void *out, uint32_t length)
{
	if (!frame || frame_length == 0 || frame_length > TRACE_FRAME_LIMIT)
		return bad_argument("frame_length: give 1 to 65553");
	if (!out || !length)
		return bad_argument("out is too small");
	if (!life_enter())
		return not_running();
	int32_t result = refused(trace_run(port, frame, frame_length, out, length), port);
	life_leave();
	return result == -ENOSPC ? bad_argument("out is too small for the trace") : result;
}
