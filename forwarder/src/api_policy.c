/* The public call that tells what rules decided. See include/forwarder.h. */
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "life.h"
#include "policy.h"
#include "rows.h"

int32_t fwd_rule_stats_read(void *cursor, void *out, uint32_t length)
{
	uint32_t at;
	if (!cursor || !out || length < sizeof(struct fwd_rule_stats))
		return bad_argument("out: give room for a struct fwd_rule_stats");
	memcpy(&at, cursor, sizeof(at));
	if (!life_enter())
		return not_running();
	rows_lock();
	int32_t result = policy_rules_read(&at, out, length > INT32_MAX ? INT32_MAX : length);
	rows_unlock();
	life_leave();
	memcpy(cursor, &at, sizeof(at));
	return result;
}
