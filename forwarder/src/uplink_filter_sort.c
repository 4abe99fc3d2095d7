#include "uplink_filter.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uplink_element));
}

/* Whether one of the first `count` is a subnet around this one: shorter ones come first. */
static bool is_covered(const struct uplink_element *elements, uint32_t count, const struct uplink_element *subnet)
{
	struct uplink_element around = *subnet;

	if (subnet->kind != UPLINK_ELEMENT_PREFIX)
		return false;
	while (around.first > 0) {
		around.first--;
		around.address[around.first / 8] &= (uint8_t)(0xff00 >> around.first % 8);
		if (bsearch(&around, elements, count, sizeof(around), compare) != NULL)
			return true;
	}
	return false;
}

uint32_t uplink_filter_sort(struct uplink_element *elements, uint32_t count)
{
	uint32_t kept = 0;

	if (count > 0)
		qsort(elements, count, sizeof(*elements), compare);
	for (uint32_t i = 0; i < count; i++) {
		if ((kept == 0 || compare(&elements[kept - 1], &elements[i]) != 0) &&
		        !is_covered(elements, kept, &elements[i]))
			elements[kept++] = elements[i];
	}
	return kept;
}
