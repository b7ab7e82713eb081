// SPDX-License-Identifier: MIT
// model/models/stream_tokens.h: a pipeline with a source of `tokens` numbers,
// stages that work on them, keep them to be finished later, and deliver them,
// and what has become of each.
#ifndef MODEL_STREAM_TOKENS_H
#define MODEL_STREAM_TOKENS_H

#include "model/models/rooms.h"
#include "weir/stream.h"

enum { TOKENS_MAX = 4 };

static weir_pool *pool;
static weir_pipeline *pipeline;
static unsigned tokens;           // that the source has
static unsigned begun, delivered; // by stages that are in order
static unsigned worked[TOKENS_MAX], ended[TOKENS_MAX];
static int outcome[TOKENS_MAX];

ROOMS_OWN int begin_token(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    if (begun == tokens)
        return WEIR_STAGE_END;
    MC_CHECK(weir_token_sequence(token) == begun);
    *(unsigned *)weir_token_data(token) = begun++;
    return 0;
}

ROOMS_OWN int work(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    unsigned *value = weir_token_data(token);
    MC_CHECK(*value == weir_token_sequence(token));
    worked[*value]++;
    *value += 10;
    return 0;
}

ROOMS_OWN int deliver(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    MC_CHECK(*(unsigned *)weir_token_data(token) == delivered + 10);
    MC_CHECK(weir_token_sequence(token) == delivered);
    delivered++;
    return 0;
}

ROOMS_OWN void note_end(void *context, weir_token *token, int status) {
    (void)context;
    uint64_t sequence = weir_token_sequence(token);
    ended[sequence]++;
    outcome[sequence] = status;
}

// ---- finished later --------------------------------------------------------

static weir_token *kept[TOKENS_MAX];
static rooms_flag is_kept[TOKENS_MAX];
static unsigned alone;

ROOMS_OWN int keep(weir_worker *self, void *context, weir_token *token) {
    unsigned own = *(unsigned *)weir_token_data(token);
    MC_CHECK(work(self, context, token) == 0);
    kept[own] = token;
    rooms_raise(&is_kept[own]);
    return WEIR_STAGE_LATER;
}

// Until it is finished no other token is there.
ROOMS_OWN int keep_alone(weir_worker *self, void *context, weir_token *token) {
    MC_CHECK(++alone == 1);
    return keep(self, context, token);
}

#endif
