// SPDX-License-Identifier: MIT
//
// Reading text in pictures: PUT /v1/letters/NAME keeps a dictionary, POST
// /v1/text?recogniser=MODEL&letters=NAME[&direction=MODEL] reads a PNG.
#include "programs/nn/graph.h"
#include "programs/serve/reading.h"
#include "programs/serve/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- dictionaries ----------------------------------------------------------

// They are kept until the service ends, so that a request may point at one.
enum { BOOKS_MAX = 16 };

struct wr_book {
    wr_book *next;
    char name[65];
    char *bytes; // as they came
    size_t size;
    wr_letters letters;
};

static wr_book *find_book(const wr_server *server, const char *name) {
    wr_book *book = server->books;
    while (book != NULL && strcmp(book->name, name) != 0)
        book = book->next;
    return book;
}

void wr_books_free(wr_server *server) {
    while (server->books != NULL) {
        wr_book *book = server->books;
        server->books = book->next;
        wr_letters_free(&book->letters);
        free(book->bytes);
        free(book);
    }
}

static int add_book(wr_http_exchange *x, wr_nn_why *why) {
    int count = 0;
    for (wr_book *book = x->server->books; book != NULL; book = book->next)
        count++;
    if (count == BOOKS_MAX)
        return wr_nn_refuse(why, -EAGAIN, NULL, "there are %d dictionaries",
                            BOOKS_MAX);
    wr_book *book = calloc(1, sizeof(*book));
    if (book == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    int error =
        wr_letters_read(&book->letters, (const char *)x->body, x->size, why);
    if (error != 0) {
        free(book);
        return error;
    }
    memcpy(book->name, x->name, sizeof(book->name));
    book->size = x->size;
    book->bytes = wr_http_body(x);
    book->next = x->server->books;
    x->server->books = book;
    return 0;
}

void wr_route_letters(wr_http_exchange *x) {
    const wr_book *book = find_book(x->server, x->name);
    if (book != NULL) {
        bool same =
            book->size == x->size && memcmp(book->bytes, x->body, x->size) == 0;
        if (same)
            wr_http_answer_empty(x, 204);
        else
            wr_http_answer_line(x, 409, "'%s' is another dictionary already",
                                x->name);
        return;
    }
    wr_nn_why why = {""};
    int error = add_book(x, &why);
    if (error != 0)
        wr_http_answer_error(x, error, &why);
    else
        wr_http_answer_empty(x, 201);
}

// ---- reading ---------------------------------------------------------------

// A picture and its lines are a lot larger in memory than the PNG that is in
// limits.bodies_bytes: so many at once.
enum { PICTURES_MAX = 16 };

typedef struct text_work {
    wr_http_exchange *exchange;
    wr_ocr reading;
    bool out; // it has begun and is not done
} text_work;

static void forget(wr_http_exchange *x) {
    text_work *w = x->work;
    wr_ocr_end(&w->reading);
    free((char *)(uintptr_t)w->reading.recogniser);
    free((char *)(uintptr_t)w->reading.direction);
    free(w);
}

static void leave(wr_http_exchange *x) {
    text_work *w = x->work;
    if (w->out)
        wr_ocr_cancel(&w->reading);
}

static void write_lines(const wr_ocr *reading, wr_string *out) {
    wr_string_print(out, "{\"lines\": [");
    for (int i = 0; i < reading->count; i++) {
        const wr_ocr_line *line = &reading->lines[i];
        wr_string_print(out, "%s{\"text\": ", i > 0 ? ", " : "");
        wr_string_quote(out, line->text != NULL ? line->text : "");
        wr_string_print(out,
                        ", \"sure\": %.4f, \"turned\": %s, \"box\": "
                        "[%d, %d, %d, %d]}",
                        (double)line->sure, line->turned ? "true" : "false",
                        line->box.left, line->box.top, line->box.right,
                        line->box.bottom);
    }
    wr_string_print(out,
                    "], \"timing\": {\"prepare_ms\": %.3f, \"infer_ms\": %.3f, "
                    "\"decode_ms\": %.3f}}\n",
                    (double)reading->prepare_ns / 1e6,
                    (double)reading->infer_ns / 1e6,
                    (double)reading->decode_ns / 1e6);
}

static void read_done(wr_ocr *reading, int status) {
    text_work *w = reading->context;
    w->out = false;
    w->exchange->server->pictures--;
    w->exchange->server->http.receiving--;
    if (status != 0) {
        wr_http_answer_error(w->exchange, status, &reading->why);
        return;
    }
    wr_string text = {NULL, 0, 0, false};
    write_lines(reading, &text);
    wr_http_answer_text(w->exchange, 200, NULL, &text);
}

static int begin(wr_http_exchange *x, text_work *w, wr_nn_why *why) {
    const char *recogniser = wr_http_query(x, "recogniser");
    const char *letters = wr_http_query(x, "letters");
    const char *direction = wr_http_query(x, "direction");
    if (recogniser == NULL || letters == NULL)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "the query needs recogniser=MODEL and "
                            "letters=DICTIONARY");
    const wr_book *book = find_book(x->server, letters);
    if (book == NULL)
        return wr_nn_refuse(why, -ENOENT, NULL, "no dictionary '%.64s'",
                            letters);
    if (x->server->pictures == PICTURES_MAX)
        return wr_nn_refuse(why, -EAGAIN, NULL, "%d pictures are read already",
                            PICTURES_MAX);
    w->reading =
        (wr_ocr){.service = x->server->service,
                 .loop = x->server->loop,
                 .pool = x->server->pool,
                 .letters = &book->letters,
                 .recogniser = strdup(recogniser),
                 .direction = direction != NULL ? strdup(direction) : NULL,
                 .bytes = x->body,
                 .size = x->size,
                 .done = read_done,
                 .context = w};
    if (w->reading.recogniser == NULL ||
        (direction != NULL && w->reading.direction == NULL))
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    return wr_ocr_start(&w->reading, why);
}

void wr_route_text(wr_http_exchange *x) {
    text_work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        wr_http_answer_error(x, -ENOMEM, NULL);
        return;
    }
    w->exchange = x;
    x->work = w;
    x->forget = forget;
    x->leave = leave;
    wr_nn_why why = {""};
    int error = begin(x, w, &why);
    w->out = error == 0;
    if (error != 0) {
        wr_http_answer_error(x, error, &why);
        return;
    }
    x->server->pictures++;
    // The models are asked later: until then a stop must leave the service
    // open, as it does for a request that is not whole.
    x->server->http.receiving++;
}
