// SPDX-License-Identifier: MIT
#include "programs/nn/graph.h"
#include "programs/serve/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

wr_nn_type wr_wire_type(const char *name, size_t length) {
    static const wr_nn_type types[] = {WR_NN_F32, WR_NN_I32, WR_NN_I64,
                                       WR_NN_BOOL};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const char *known = wr_nn_type_name(types[i]);
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return types[i];
    }
    return WR_NN_NONE;
}

int wr_wire_check(const wr_nn_shape *shape, size_t tensor_bytes,
                  const char *what, wr_nn_why *why) {
    if (shape->rank < 0 || shape->rank > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s: a shape has at most %d dimensions", what,
                            WR_NN_RANK_MAX);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 1)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s: dimension %d is %lld; it is at least 1",
                                what, i, (long long)shape->dim[i]);
    size_t bytes = wr_nn_bytes(shape);
    if (bytes > tensor_bytes)
        return wr_nn_refuse(why, -E2BIG, NULL,
                            "%s: more than the %zu bytes that a tensor may "
                            "have",
                            what, tensor_bytes);
    return 0;
}

static int refuse_text(const char *text, wr_nn_why *why) {
    return wr_nn_refuse(why, -EINVAL, NULL,
                        "'%.80s' is not a shape such as float32[1,3,48]", text);
}

int wr_wire_shape(wr_nn_shape *shape, const char *text, size_t tensor_bytes,
                  wr_nn_why *why) {
    memset(shape, 0, sizeof(*shape));
    const char *at = strchr(text, '[');
    if (at == NULL)
        return refuse_text(text, why);
    shape->type = wr_wire_type(text, (size_t)(at - text));
    if (shape->type == WR_NN_NONE)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "'%.80s': the types are float32, int32, int64, "
                            "bool",
                            text);
    at++;
    while (*at != ']') {
        if (*at < '0' || *at > '9' || shape->rank == WR_NN_RANK_MAX)
            return refuse_text(text, why);
        char *end;
        errno = 0;
        long long dim = strtoll(at, &end, 10);
        if (errno != 0 || (*end != ',' && *end != ']') ||
            (*end == ',' && end[1] == ']'))
            return refuse_text(text, why);
        shape->dim[shape->rank++] = dim;
        at = end + (*end == ',');
    }
    if (at[1] != '\0')
        return refuse_text(text, why);
    return wr_wire_check(shape, tensor_bytes, "the shape", why);
}
