/* libFuzzer's door to the decoder: bytes come in as a frame, a container's plan, an exec's and a reap's argument; nothing
 * may go wrong but a refusal. Built and run by run.mjs. */
#include <stdlib.h>
#include <string.h>

#include "../conn.h"
#include "../keep.h"
#include "../plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_plan(struct arena *arena, const struct node *node) {
	struct err err = ERR_INIT;
	struct plan plan;
	struct keep keep = { 0 };

	if (plan_check(arena, node, &plan, &err) < 0) {
		/* A refusal always says why. */
		if (!err.num || !err.text[0] || !err.step[0]) abort();
		return;
	}
	if (plan.setup.count == 0 || !plan.command.argv[0]) abort();
	if (keep_plan(&keep, &plan, &err) < 0) abort();
	if (strcmp(keep.id, plan.id) != 0 || keep.teardown.count != plan.teardown.count) abort();
	keep_free(&keep);
}

static void as_exec(struct arena *arena, const struct node *node) {
	struct err err = ERR_INIT;
	struct exec_plan plan;

	if (exec_plan_check(arena, node, &plan, &err) < 0) {
		if (!err.num || !err.text[0]) abort();
	} else if (!plan.command.argv[0]) abort();
}

static void as_request(struct arena *arena, const struct node *node) {
	struct err err = ERR_INIT;
	struct request request;
	struct keep keep = { 0 };

	if (request_check(node, &request, &err) == 0) {
		as_plan(arena, request.arg);
		as_exec(arena, request.arg);
	}
	(void)keep_request(&keep, node, &err);
	keep_free(&keep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct err err = ERR_INIT;
	struct arena arena = { 0 };
	struct node node;
	/* A copy of exactly this size, because decoding writes and the sanitizer shall see every byte beyond. */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) return 0;
	if (size) memcpy(copy, data, size);
	if (arena_open(&arena, arena_size_for(size), &err) == 0 && msgpack_decode(&arena, copy, size, &node, &err) == 0) {
		as_plan(&arena, &node);
		as_exec(&arena, &node);
		as_request(&arena, &node);
	}
	arena_free(&arena);
	free(copy);
	return 0;
}
