#include "drop.h"

#include <stddef.h>

static const char *const texts[DROP_COUNT] = {
#define DROP(name, text, sentence) text ": " sentence,
#include "drop.def"
#undef DROP
};

const char *drop_text(uint32_t reason)
{
	return reason < DROP_COUNT ? texts[reason] : NULL;
}
