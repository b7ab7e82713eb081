// SPDX-License-Identifier: MIT
#include "programs/serve/server_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct loading {
    wr_server *server;
    int missing; // models, and one for the caller
} loading;

typedef struct load_file {
    wr_upload load;
    loading *all;
    const wr_server_model *model;
} load_file;

static void give_up(wr_server *server, const wr_server_model *model, int error,
                    const char *line) {
    wr_server_log(server, "%s=%s: %s", model->name, model->path, line);
    if (server->failed == 0)
        server->failed = error;
}

static void end_without_a_client(wr_server *server) {
    server->state = WR_SERVER_DRAINING;
    server->stop_ns = weir_now_ns() + server->config->shutdown_ns;
    wr_http_drain(&server->http);
}

static void missing_one_less(loading *all) {
    wr_server *server = all->server;
    if (--all->missing > 0)
        return;
    free(all);
    if (server->state != WR_SERVER_LOADING)
        return; // a signal was faster
    if (server->failed == 0) {
        server->failed = wr_http_accept(&server->http);
        if (server->failed != 0)
            wr_server_log(server, "cannot take connections: %s",
                          weir_strerror(server->failed));
    }
    if (server->failed != 0) {
        end_without_a_client(server);
        return;
    }
    server->state = WR_SERVER_OPEN;
    bool v6 = strchr(server->config->address, ':') != NULL;
    wr_server_log(server, "listening at http://%s%s%s:%u, %u workers",
                  v6 ? "[" : "", server->config->address, v6 ? "]" : "",
                  server->http.port, weir_pool_width(server->pool));
}

static void on_loaded(wr_upload *load, int status) {
    load_file *file = wr_container_of(load, load_file, load);
    loading *all = file->all;
    if (status != 0)
        give_up(all->server, file->model, status, load->why.text);
    else
        wr_server_log(all->server, "model %s: %s, %.16s", file->model->name,
                      file->model->path, load->digest);
    free(file);
    missing_one_less(all);
}

// The bytes of a file, malloc'ed, or NULL with errno.
static void *read_file(const char *path, size_t most, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t room = 0, used = 0;
    int error = file == NULL ? errno : 0;
    while (error == 0) {
        if (used == room) {
            room = 2 * room + 65536;
            char *larger = realloc(bytes, room);
            if (larger == NULL) {
                error = ENOMEM;
                break;
            }
            bytes = larger;
        }
        size_t got = fread(bytes + used, 1, room - used, file);
        used += got;
        if (used > most)
            error = EFBIG;
        else if (got == 0 && ferror(file))
            error = errno != 0 ? errno : EIO;
        else if (got == 0)
            break;
    }
    if (file != NULL)
        fclose(file);
    if (error != 0) {
        free(bytes);
        errno = error;
        return NULL;
    }
    *size = used;
    return bytes;
}

static void begin_load(loading *all, const wr_server_model *model) {
    wr_server *server = all->server;
    size_t size = 0;
    void *bytes =
        read_file(model->path, server->config->service.model_bytes, &size);
    if (bytes == NULL) {
        give_up(server, model, -errno, strerror(errno));
        return;
    }
    load_file *file = calloc(1, sizeof(*file));
    wr_nn_why why = {"no memory"};
    int error = -ENOMEM;
    if (file != NULL) {
        file->load.done = on_loaded;
        file->all = all;
        file->model = model;
        error = wr_service_load_take(server->service, &file->load, model->name,
                                     bytes, size, 0, &why);
    }
    if (error != 0) {
        give_up(server, model, error, why.text);
        free(file);
        free(bytes);
        return;
    }
    all->missing++;
}

void wr_server_load(wr_server *server, const wr_server_model *models,
                    int count) {
    loading *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        server->failed = -ENOMEM;
        wr_server_log(server, "no memory");
        end_without_a_client(server);
        return;
    }
    all->server = server;
    all->missing = 1;
    for (int i = 0; i < count && server->failed == 0; i++)
        begin_load(all, &models[i]);
    missing_one_less(all);
}
