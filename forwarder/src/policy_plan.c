/* Refuses batches after which an identity would have too many groups: before anything of them is seen. */
#include "error.h"
#include "policy.h"
#include "policy_identities.h"

/* What the batch makes of an identity. */
struct plan {
	int32_t all, asked;
	/* Group of the last row. */
	uint32_t last;
	bool listed;
};

static struct plan plans[IDENTITIES];
/* Identities that the batch has rows of. */
static uint32_t *listed;
static uint32_t listed_count, listed_room;

static struct plan *plan_of(uint32_t identity)
{
	struct plan *plan = &plans[identity];
	if (!plan->listed) {
		listed = ranges_room(listed, &listed_room, listed_count + 1, sizeof(*listed));
		listed[listed_count++] = identity;
		plan->listed = true;
	}
	return plan;
}

void policy_group_planned(const struct fwd_identity_group_row *old, const struct fwd_identity_group_row *new)
{
	const struct fwd_identity_group_row *row = new ? new : old;
	struct plan *plan = plan_of(row->identity);
	plan->all += (new != NULL) - (old != NULL);
	plan->asked += (new &&new->gate != 0) - (old && old->gate != 0);
	if (new)
		plan->last = row->group;
}

/* One that has more already may lose some. */
static bool exceeds(uint32_t now, int32_t change, uint32_t limit)
{
	return change > 0 && now + (uint32_t)change > limit;
}

int32_t policy_check_plan(void)
{
	for (uint32_t i = 0; i < listed_count; i++) {
		const struct plan *plan = &plans[listed[i]];
		uint32_t all, asked;
		identities_count_groups(listed[i], &all, &asked);
		if (exceeds(asked, plan->asked, POLICY_ASKED_GROUPS))
			return error_set(FWD_ERR_FULL,
			        "identity_group: identity %u would have the rules of %u groups (%u is the last): give "
			        "it at most %u with a gate",
			        listed[i], asked + (uint32_t)plan->asked, plan->last, POLICY_ASKED_GROUPS);
		if (exceeds(all, plan->all, POLICY_GROUPS))
			return error_set(FWD_ERR_FULL,
			        "identity_group: identity %u would belong to %u groups (%u is the last): give it at "
			        "most %u",
			        listed[i], all + (uint32_t)plan->all, plan->last, POLICY_GROUPS);
	}
	return 0;
}

void policy_forget_plan(void)
{
	for (uint32_t i = 0; i < listed_count; i++)
		plans[listed[i]] = (struct plan){0};
	listed_count = 0;
}
