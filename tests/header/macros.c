// SPDX-License-Identifier: MIT
// Every public macro, expanded: compiled as C11 and as C++11.
#include "weir.h"

static weir_job job = WEIR_JOB_INIT(0, 0);
static weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
static weir_scope_options scope_options = WEIR_SCOPE_OPTIONS_INIT;
static weir_queue_options queue_options = WEIR_QUEUE_OPTIONS_INIT;
static weir_drain_options drain_options = WEIR_DRAIN_OPTIONS_INIT;
static weir_order_options order_options = WEIR_ORDER_OPTIONS_INIT;
static weir_pipeline_options line_options = WEIR_PIPELINE_OPTIONS_INIT;
static weir_loop_options loop_options = WEIR_LOOP_OPTIONS_INIT;
static weir_call call = WEIR_CALL_INIT(0, 0);
static weir_cache_options cache_options = WEIR_CACHE_OPTIONS_INIT;
static weir_frontier_options frontier_options = WEIR_FRONTIER_OPTIONS_INIT;
static weir_key key = WEIR_KEY_INIT("key", 3);
static weir_get get = WEIR_GET_INIT("key", 3, 0);

int main(void) {
    return job.priority == WEIR_PRIORITY_NORMAL &&
                   pool_options.threads == WEIR_THREADS_DEFAULT &&
                   scope_options.size == sizeof(scope_options) &&
                   queue_options.capacity == 0 && drain_options.batch == 0 &&
                   order_options.first == 0 && line_options.batch == 0 &&
                   loop_options.size == sizeof(loop_options) &&
                   call.priority == 0 && cache_options.load_ns == 0 &&
                   get.key_size == 3 && key.size == 3 &&
                   frontier_options.attempts_max == 1
               ? 0
               : 1;
}
