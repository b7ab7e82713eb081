// SPDX-License-Identifier: MIT
// Life, in bands: a task computes some rows of the next generation from those
// of the last one and a row above and below. Nobody says what comes before
// what: each task says which bytes it reads and writes, and that is enough.
//
//   cc graph_bands.c $(pkg-config --cflags --libs weir)
//
// Prints:
//   24 generations, 96 tasks, 0 failed
//   .......#.......................
//   ........#......................
//   ......###......................
//   ...............................
#include <stdio.h>
#include <string.h>
#include <weir/graph.h>

enum { WIDTH = 31, HEIGHT = 16, BAND = 4, GENERATIONS = 24 };

// Which rows there are beside the band, in what it reads.
struct band {
    int above, below; // 1 or 0
};

static int next_rows(const weir_kernel_call *call) {
    const struct band *band = call->arguments; // a copy
    const char(*from)[WIDTH] = call->data[0];  // where the first access begins
    char(*to)[WIDTH] = call->data[1];          // and the second
    int rows = band->above + BAND + band->below;
    for (int y = 0; y < BAND; y++)
        for (int x = 0; x < WIDTH; x++) {
            int here = y + band->above, alive = 0;
            for (int row = here - 1; row <= here + 1; row++)
                for (int column = x - 1; column <= x + 1; column++)
                    if (row >= 0 && row < rows && column >= 0 &&
                        column < WIDTH && (row != here || column != x))
                        alive += from[row][column] == '#';
            int lives = alive == 3 || (alive == 2 && from[here][x] == '#');
            to[y][x] = lives ? '#' : '.';
        }
    return 0;
}

static const weir_kernel life = {"life", next_rows};

// One task for each band; from and to are whole generations.
static int submit_generation(weir_flow *flow, weir_buffer from,
                             weir_buffer to) {
    int error = 0;
    for (int first = 0; first < HEIGHT && error == 0; first += BAND) {
        struct band band = {first > 0, first + BAND < HEIGHT};
        weir_access accesses[] = {
            WEIR_ACCESS(WEIR_READ, from, (size_t)(first - band.above) * WIDTH,
                        (size_t)(band.above + BAND + band.below) * WIDTH),
            WEIR_ACCESS(WEIR_WRITE, to, (size_t)first * WIDTH,
                        (size_t)BAND * WIDTH),
        };
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        spec.kernel = &life;
        spec.arguments = &band; // copied, like the accesses
        spec.arguments_size = sizeof(band);
        spec.accesses = accesses;
        spec.accesses_count = 2;
        error = weir_flow_submit(flow, &spec, NULL);
    }
    return error;
}

static int live(weir_graph *graph, weir_buffer even, weir_buffer odd) {
    weir_flow *flow;
    int status = 0, error = weir_flow_begin(graph, NULL, &flow);
    if (error != 0)
        return error;
    for (int i = 0; i < GENERATIONS && error == 0; i++)
        error = submit_generation(flow, i % 2 == 0 ? even : odd,
                                  i % 2 == 0 ? odd : even);
    weir_flow_close(flow); // that was all
    int waited = weir_flow_wait(flow, WEIR_FOREVER, &status);
    weir_flow_release(flow);
    return error != 0 ? error : waited != 0 ? waited : status;
}

static char even[HEIGHT][WIDTH], odd[HEIGHT][WIDTH];

int main(void) {
    weir_pool *pool;
    weir_graph *graph;
    weir_buffer buffers[2];
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    weir_graph_counts counts = {.size = sizeof(counts)};
    memset(even, '.', sizeof(even));
    memcpy(&even[0][1], "#", 1);
    memcpy(&even[1][2], "#", 1);
    memcpy(&even[2][0], "###", 3);
    if (weir_pool_create(&pool, NULL) != 0)
        return 1;
    options.pool = pool;
    if (weir_graph_create(&graph, &options) != 0)
        return 1;
    int error = weir_buffer_register(graph, even, sizeof(even), &buffers[0]);
    if (error == 0)
        error = weir_buffer_register(graph, odd, sizeof(odd), &buffers[1]);
    if (error == 0)
        error = live(graph, buffers[0], buffers[1]);
    if (error == 0 && weir_graph_count(graph, &counts) == 0)
        printf("%d generations, %d tasks, %d failed\n", GENERATIONS,
               (int)counts.submitted, (int)counts.failed);
    for (int y = 6; y < 10 && error == 0; y++)
        printf("%.*s\n", WIDTH, even[y]);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    return error != 0;
}
