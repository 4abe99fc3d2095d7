#include "uplink_filter.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static struct {
	char tag[5];
	/* The library keeps things for all of its contexts. */
	pthread_mutex_t lock;
	struct nft_ctx *nft;
	bool probed;
	/* What the table is like; unknown: somebody else's, from before. */
	bool known;
	struct uplink_chain *chains;
	struct uplink_element *elements;
	struct uplink_filter now;
	uint64_t handle;
	/* What was logged last; empty: the last change went well. */
	char complaint[160];
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

int uplink_filter_init(const char *tag)
{
	snprintf(self.tag, sizeof(self.tag), "%s", tag);
	self.probed = false;
	self.known = false;
	self.complaint[0] = '\0';
	return 0;
}

/* The library's first line, without what it begins each with. */
static void copy_words(const char *error, char *why, size_t size)
{
	const char *words = strstr(error, "rule: ");

	words = words != NULL ? words + strlen("rule: ") : error;
	snprintf(why, size, "%.*s", (int)strcspn(words, "\n"), words);
}

/* All of it or nothing. */
static int run(const char *commands, char *why, size_t size)
{
	int result = -ENOMEM;

	snprintf(why, size, "out of memory");
	pthread_mutex_lock(&self.lock);
	if (self.nft == NULL && (self.nft = nft_ctx_new(NFT_CTX_DEFAULT)) != NULL) {
		nft_ctx_buffer_error(self.nft);
		nft_ctx_buffer_output(self.nft);
	}
	if (self.nft != NULL) {
		result = nft_run_cmd_from_buffer(self.nft, commands) == 0 ? 0 : -EIO;
		copy_words(nft_ctx_get_error_buffer(self.nft), why, size);
		nft_ctx_get_output_buffer(self.nft);
	}
	pthread_mutex_unlock(&self.lock);
	return result;
}

int uplink_filter_probe(char *why, size_t size)
{
	char command[64];

	snprintf(command, sizeof(command), "add table inet weft_%s", self.tag);
	int result = run(command, why, size);
	if (result == 0)
		__atomic_store_n(&self.probed, true, __ATOMIC_RELAXED);
	return result;
}

static void forget(void)
{
	free(self.chains);
	free(self.elements);
	self.chains = NULL;
	self.elements = NULL;
	self.now = (struct uplink_filter){0};
	self.known = false;
}

void uplink_filter_free(void)
{
	struct uplink_filter none = {0};

	if (self.probed)
		uplink_filter_set(&none);
	forget();
	self.probed = false;
	if (self.nft != NULL)
		nft_ctx_free(self.nft);
	self.nft = NULL;
}

static bool same_chains(const struct uplink_filter *a, const struct uplink_filter *b)
{
	return a->chain_count == b->chain_count &&
	       (a->chain_count == 0 || memcmp(a->chains, b->chains, a->chain_count * sizeof(a->chains[0])) == 0);
}

static void *copy(const void *from, size_t size)
{
	void *to = malloc(size + 1);

	return to == NULL || size == 0 ? to : memcpy(to, from, size);
}

/* Out of memory: the next change writes the whole table. */
static void remember(const struct uplink_filter *filter)
{
	forget();
	self.chains = copy(filter->chains, filter->chain_count * sizeof(self.chains[0]));
	self.elements = copy(filter->elements, filter->element_count * sizeof(self.elements[0]));
	if (self.chains == NULL || self.elements == NULL)
		return forget();
	self.now = *filter;
	self.now.chains = self.chains;
	self.now.elements = self.elements;
	self.known = true;
	/* Not known: then nothing is missed either. */
	if (uplink_filter_handle(self.tag, &self.handle) < 0)
		self.handle = 0;
}

bool uplink_filter_lost(void)
{
	uint64_t handle;

	if (!self.known || self.handle == 0 || uplink_filter_handle(self.tag, &handle) < 0 || handle == self.handle)
		return false;
	log_line("nftables: somebody removed the table weft_%s: it is made again", self.tag);
	forget();
	return true;
}

/* Each refusal once. */
static void complain(const char *why)
{
	if (strcmp(why, self.complaint) != 0)
		log_line("nftables: the table weft_%s is not changed: %s; tried again and again", self.tag, why);
	snprintf(self.complaint, sizeof(self.complaint), "%s", why);
}

int uplink_filter_set(const struct uplink_filter *wanted)
{
	bool changes = self.known && same_chains(&self.now, wanted);
	bool none = wanted->chain_count == 0 && !__atomic_load_n(&self.probed, __ATOMIC_RELAXED);
	char *commands = NULL, why[sizeof(self.complaint)] = "out of memory";
	size_t length;

	if (none)
		return 0;
	FILE *out = open_memstream(&commands, &length);
	if (out == NULL)
		return -ENOMEM;
	if (changes)
		uplink_filter_write_changes(out, self.tag, &self.now, wanted);
	else
		uplink_filter_write(out, self.tag, wanted);
	int result = fclose(out) != 0 ? -ENOMEM : length == 0 ? 0 : run(commands, why, sizeof(why));
	free(commands);
	if (result == 0) {
		if (length > 0)
			remember(wanted);
		self.complaint[0] = '\0';
		return 0;
	}
	complain(why);
	/* Perhaps somebody else changed it: the whole of it next. */
	forget();
	return result;
}
