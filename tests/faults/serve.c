// SPDX-License-Identifier: MIT
// Runs `weir serve` again and again, each time with another call of the system
// failing (system.c), and asks it for everything it has. A failure may refuse
// the start, with a line and status 1, or one request, with a documented status
// and its line; the same request succeeds the next time. No answer is a part of
// one, none is missing, nothing is left behind, and the server ends well.
//
// usage: fault_serve SYSTEM_SO WEIR FOLDER CALLS
//   FOLDER  with small.onnx, bars.onnx and page.png (tests/serve)
//   CALLS   which calls: classes of ways.h, e.g. memory,net; with the word
//           texts a text is read, and else all that takes less time
#include "ways.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 60, SAID_MAX = 16384, ANSWER_MAX = 1 << 20, GONE = 2 };

typedef struct file {
    char *bytes;
    size_t size;
} file;

typedef struct sweep {
    const char *system, *weir;
    bool reads_texts;
    char small_argument[PATH_MAX], seen[PATH_MAX];
    file small, bars, page;
    // one run
    const char *fault;
    bool may_lose; // the call is one that a connection cannot do without
    bool for_ever; // it goes on failing
    pid_t server;
    FILE *log;
    int port;
    char said[SAID_MAX];
    unsigned refused; // requests of this run
    // all of them
    unsigned long runs, places, starts_refused, requests, requests_refused;
    int descriptors; // that are open at the end if nothing fails
} sweep;

static char answer[ANSWER_MAX + 1]; // the last one
static size_t answer_size;
static const char *answer_body;

__attribute__((format(printf, 2, 3))) static _Noreturn void
fail(const sweep *s, const char *format, ...) {
    va_list arguments;
    printf("%s: ", s->fault);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nserver: %s\nanswer: %.400s\n", s->said, answer);
    fflush(stdout);
    if (s->server > 0)
        kill(s->server, SIGKILL);
    exit(1);
}

static file read_file(const char *folder, const char *name) {
    char path[PATH_MAX];
    file f = {malloc(ANSWER_MAX), 0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL || f.bytes == NULL) {
        perror(path);
        exit(1);
    }
    f.size = fread(f.bytes, 1, ANSWER_MAX, in);
    fclose(in);
    return f;
}

// ---- the server ------------------------------------------------------------

static _Noreturn void in_child(const sweep *s, int said) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(SECONDS_MAX); // a hang ends by its signal
    dup2(said, STDERR_FILENO);
    setenv("LD_PRELOAD", s->system, 1);
    setenv("WEIR_SYSTEM_FAULT", s->fault, 1);
    setenv("WEIR_SYSTEM_SEEN", s->seen, 1);
    execl(s->weir, s->weir, "serve", "--listen", "127.0.0.1:0", "--set",
          "pool.threads=2", s->small_argument, (char *)NULL);
    _exit(127);
}

// Its lines up to one that has `text`, or, NULL, all. false: it has ended.
static bool server_says(sweep *s, const char *text) {
    char line[1024];
    while (fgets(line, sizeof(line), s->log) != NULL) {
        size_t used = strlen(s->said);
        snprintf(s->said + used, sizeof(s->said) - used, "%s", line);
        if (strncmp(line, "weir serve: ", 12) != 0)
            fail(s, "a line that is not of weir's: %s", line);
        if (text != NULL && strstr(line, text) != NULL)
            return true;
    }
    return false;
}

// false: it refused to start; it has ended then.
static bool start(sweep *s) {
    int ends[2];
    unlink(s->seen);
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    s->said[0] = answer[0] = 0;
    s->refused = 0;
    s->server = fork();
    if (s->server == 0)
        in_child(s, ends[1]);
    close(ends[1]);
    s->log = fdopen(ends[0], "r");
    if (s->server < 0 || s->log == NULL)
        abort();
    if (!server_says(s, "listening at"))
        return false;
    const char *at = strstr(s->said, "listening at");
    if (sscanf(at, "listening at http://127.0.0.1:%d", &s->port) != 1)
        fail(s, "no address");
    return true;
}

static int ended(sweep *s) {
    int status = 0;
    (void)server_says(s, NULL);
    fclose(s->log);
    if (waitpid(s->server, &status, 0) != s->server)
        abort();
    s->server = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        fail(s, "it hangs");
    if (WIFSIGNALED(status))
        fail(s, "it ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

// The number behind a word of the counts.
static long long count_of(const sweep *s, const char *word) {
    const char *at = strstr(s->said, word);
    if (at == NULL)
        fail(s, "no counts");
    return atoll(at + strlen(word));
}

static void check_counts(const sweep *s) {
    if (count_of(s, "connections ") != count_of(s, " closed "))
        fail(s, "connections are not closed");
    if (!s->may_lose && count_of(s, ") gone ") > GONE)
        fail(s, "requests without an answer");
}

// How many attempts were made of the call; and all descriptors are closed.
static unsigned long look_at_the_end(sweep *s) {
    unsigned long count = 0;
    int descriptors = 0;
    FILE *in = fopen(s->seen, "r");
    if (in == NULL || fscanf(in, "%lu %d", &count, &descriptors) != 2)
        fail(s, "it did not end by itself");
    fclose(in);
    if (s->descriptors == 0)
        s->descriptors = descriptors;
    if (descriptors != s->descriptors)
        fail(s, "%d descriptors are open at the end, not %d", descriptors,
             s->descriptors);
    return count;
}

// ---- requests --------------------------------------------------------------

static int dial(const sweep *s) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {.tv_sec = SECONDS_MAX};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        abort();
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        fail(s, "no connection: %s", strerror(errno));
    return fd;
}

static void send_all(int fd, const void *data, size_t size) {
    for (const char *at = data; size > 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // it may have answered already, and closed
        at += sent;
        size -= (size_t)sent;
    }
}

static void send_request(int fd, const char *how, const char *path,
                         const char *headers, const void *body, size_t size) {
    char head[1024];
    int length = snprintf(head, sizeof(head),
                          "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                          "Content-Length: %zu\r\n%s\r\n",
                          how, path, size, headers);
    send_all(fd, head, (size_t)length);
    send_all(fd, body, size);
}

// Reads to the end of the connection: the status, or 0 where nothing came.
static int receive(const sweep *s, int fd) {
    answer_size = 0;
    ssize_t got;
    do {
        got = recv(fd, answer + answer_size, ANSWER_MAX - answer_size, 0);
        if (got > 0)
            answer_size += (size_t)got;
    } while (got > 0);
    answer[answer_size] = 0;
    if (got < 0 && errno != ECONNRESET)
        fail(s, "no end of an answer: %s", strerror(errno));
    if (answer_size == 0)
        return 0;
    int status = 0;
    size_t length = 0;
    const char *said = strstr(answer, "Content-Length: ");
    const char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL || sscanf(answer, "HTTP/1.1 %3d ", &status) != 1)
        fail(s, "a part of an answer");
    if (said != NULL && said < end)
        length = (size_t)strtoull(said + 16, NULL, 10);
    answer_body = end + 4;
    if (answer_size != (size_t)(answer_body - answer) + length)
        fail(s, "not the whole answer, or more");
    return status;
}

static bool has(const char *text, size_t size) {
    return memmem(answer_body, answer_size - (size_t)(answer_body - answer),
                  text, size) != NULL;
}

// What a request that failed for lack of something is told.
static void check_refusal(sweep *s, int status, const char *how,
                          const char *path) {
    s->refused++;
    if (status == 0 && !s->may_lose)
        fail(s, "%s %s: no answer", how, path);
    if (status == 0)
        return;
    // What could not be made is not there for what comes next.
    bool follows = s->for_ever && (status == 404 || status == 409);
    if (status != 503 && !follows)
        fail(s, "%s %s: status %d", how, path, status);
    if (!has("{\"error\": \"", 11) || !has("\"}\n", 3))
        fail(s, "%s %s: no line that says why", how, path);
    if (status == 503 && strstr(answer, "Retry-After: ") == NULL)
        fail(s, "%s %s: not told when to come again", how, path);
}

// One request: whether it was answered with a 2xx and `text`; if not, it was
// refused as it should be.
static bool ask_once(sweep *s, const char *how, const char *path,
                     const char *headers, const file *body, const char *text,
                     size_t text_size) {
    int fd = dial(s);
    s->requests++;
    send_request(fd, how, path, headers, body->bytes, body->size);
    int status = receive(s, fd);
    close(fd);
    if (status / 100 != 2) {
        check_refusal(s, status, how, path);
        return false;
    }
    if (!has(text, text_size))
        fail(s, "%s %s: another answer", how, path);
    return true;
}

// Twice if need be: what has failed once succeeds afterwards.
static bool ask(sweep *s, const char *how, const char *path,
                const char *headers, const char *body, const char *text) {
    const file bytes = {(char *)(uintptr_t)body, strlen(body)};
    if (ask_once(s, how, path, headers, &bytes, text, strlen(text)))
        return true;
    if (ask_once(s, how, path, headers, &bytes, text, strlen(text)))
        return true;
    if (!s->for_ever)
        fail(s, "%s %s: refused again", how, path);
    return false;
}

static bool send_file(sweep *s, const char *path, const file *body,
                      const char *text) {
    for (int i = 0; i < 2; i++)
        if (ask_once(s, "POST", path, "", body, text, strlen(text)))
            return true;
    if (!s->for_ever)
        fail(s, "POST %s: refused again", path);
    return false;
}

// ---- what is asked ---------------------------------------------------------

#define JSON "Content-Type: application/json\r\n"
#define RAW                                                                    \
    "Content-Type: application/octet-stream\r\n"                               \
    "Weir-Shape: float32[1,3]\r\n"
#define FRAMES "Accept: application/vnd.weir.tensors\r\n"
#define NUMBERS "{\"inputs\": [{\"shape\": [1,3], \"data\": [1,2,3]}]}"

static const float numbers[] = {1, 2, 3}, sums[] = {2, 3, 4};

static void infer(sweep *s) {
    static const char path[] = "/v1/models/small/infer";
    const file raw = {(char *)(uintptr_t)numbers, sizeof(numbers)};
    (void)ask(s, "POST", path, JSON, NUMBERS, "[2,3,4]");
    for (int i = 0; i < 2; i++)
        if (ask_once(s, "POST", path, RAW, &raw, (const char *)sums,
                     sizeof(sums)))
            break;
        else if (i == 1 && !s->for_ever)
            fail(s, "numbers: refused again");
    for (int i = 0; i < 2; i++)
        if (ask_once(s, "POST", path, RAW FRAMES, &raw, (const char *)sums,
                     sizeof(sums)))
            break;
        else if (i == 1 && !s->for_ever)
            fail(s, "frames: refused again");
}

// An id of a 2xx's body, into a path.
static void id_into(const sweep *s, char *out, size_t size, const char *format,
                    const char *before) {
    long id = 0;
    if (sscanf(answer_body, "{\"id\": %ld", &id) != 1)
        fail(s, "no id");
    snprintf(out, size, format, before, id);
}

// A tensor that is written, a graph, and the tensor that it makes. What was
// begun and has failed flags what it should have written: another try needs a
// context of its own. false: refused.
static bool compute(sweep *s, const char *context, unsigned wait) {
    static const char graph[] =
        "{\"model\": \"small\", \"inputs\": [{\"shape\": [1,3]}]}";
    static const char tensor[] = "{\"type\": \"float32\", \"shape\": [1,3]}";
    const file raw = {(char *)(uintptr_t)numbers, sizeof(numbers)};
    const file none = {NULL, 0};
    char path[128], in[128], out[128], dispatch[256];
    snprintf(path, sizeof(path), "%s/tensors", context);
    if (!ask(s, "POST", path, JSON, tensor, "{\"id\": "))
        return false;
    id_into(s, in, sizeof(in), "%s/tensors/%ld", context);
    if (!ask(s, "POST", path, JSON, tensor, "{\"id\": "))
        return false;
    id_into(s, out, sizeof(out), "%s/tensors/%ld", context);
    snprintf(path, sizeof(path), "%s/graphs%s", context, wait ? "?wait=1" : "");
    if (!ask(s, "POST", path, JSON, graph, "{\"id\": "))
        return false;
    const char *slash = strrchr(in, '/');
    long id = 0;
    (void)sscanf(answer_body, "{\"id\": %ld", &id);
    snprintf(dispatch, sizeof(dispatch),
             "{\"graph\": %ld, \"inputs\": {\"x\": %s}, \"outputs\": "
             "{\"y\": %s}}",
             id, slash + 1, strrchr(out, '/') + 1);
    snprintf(path, sizeof(path), "%s/dispatch", context);
    return ask_once(s, "PUT", in, "", &raw, "", 0) &&
           ask_once(s, "POST", path, JSON, &(file){dispatch, strlen(dispatch)},
                    "{}", 2) &&
           ask_once(s, "GET", out, "", &none, (const char *)sums,
                    sizeof(sums)) &&
           ask(s, "DELETE", out, "", "", "");
}

static void contexts(sweep *s) {
    for (unsigned i = 0, good = 0; i < 3 && good < 2; i++) {
        char context[64];
        if (!ask(s, "POST", "/v1/contexts", "", "", "{\"id\": "))
            return;
        id_into(s, context, sizeof(context), "%s/%ld", "/v1/contexts");
        good += compute(s, context, i % 2);
        (void)ask(s, "DELETE", context, "", "", "");
        if (i == 2 && good < 2 && !s->for_ever)
            fail(s, "a context is refused again and again");
    }
}

static void texts(sweep *s) {
    (void)ask(s, "PUT", "/v1/letters/ab", "", "a\nb\n", "");
    if (send_file(s, "/v1/models/bars", &s->bars, "\"digest\": "))
        (void)send_file(s, "/v1/text?recogniser=bars&letters=ab", &s->page,
                        "{\"lines\": [{\"text\": \"aab\", ");
    (void)ask(s, "GET", "/v1/models", "", "", "{\"models\": [");
    (void)ask(s, "DELETE", "/v1/models/bars", "", "", "");
}

static void figures(sweep *s) {
    (void)ask(s, "GET", "/", "", "", "weir serve ");
    (void)ask(s, "GET", "/healthz", "", "", "ok");
    (void)ask(s, "GET", "/metrics", "", "", "weir_serve_up 1\n");
    (void)ask(s, "GET", "/trace", "", "", "</svg>");
    (void)ask(s, "GET", "/trace?format=json", "", "", "traceEvents");
}

// Clients that go in the middle of a request and of an answer.
static void vanish(sweep *s) {
    static const char path[] = "/v1/models/small/infer";
    int fd = dial(s);
    send_request(fd, "POST", path, JSON, NUMBERS, strlen(NUMBERS) - 9);
    close(fd);
    fd = dial(s);
    send_request(fd, "POST", path, JSON, NUMBERS, strlen(NUMBERS));
    close(fd);
}

// What the requests made is gone when they are.
static void nothing_left(sweep *s) {
    static const char *const none[] = {
        "\nweir_serve_contexts 0\n",     "\nweir_serve_tensors 0\n",
        "\nweir_serve_graphs 0\n",       "\nweir_serve_operations 0\n",
        "\nweir_serve_models 1\n",       "\nweir_serve_inferences 0\n",
        "\nweir_serve_cache_loading 0\n"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        if (!has(none[i], strlen(none[i])))
            fail(s, "not so at the end: %s", none[i] + 1);
}

// Those who vanished may take a moment to be seen: each look is a request.
static void wait_for_bodies(sweep *s) {
    static const char none[] = "\nweir_serve_bodies_bytes 0\n";
    for (int i = 0; i < 10000; i++) {
        if (!ask(s, "GET", "/metrics", "", "", "weir_serve_up 1\n"))
            return;
        if (has(none, strlen(none)) &&
            has("\nweir_serve_http_requests 1\n", 28)) {
            nothing_left(s);
            return;
        }
    }
    fail(s, "bodies are held for ever");
}

// ---- runs ------------------------------------------------------------------

static unsigned long run(sweep *s, const char *fault) {
    s->fault = fault;
    s->runs++;
    s->for_ever = strstr(fault, ":all:") != NULL;
    s->may_lose =
        strncmp(fault, "accept4:", 8) == 0 || strncmp(fault, "send:", 5) == 0;
    if (!start(s)) {
        s->starts_refused++;
        if (ended(s) != 1 || s->said[0] == 0)
            fail(s, "not refused with status 1 and a line");
        return look_at_the_end(s);
    }
    if (s->reads_texts) {
        texts(s);
    } else {
        infer(s);
        contexts(s);
        vanish(s);
        figures(s);
    }
    wait_for_bodies(s);
    kill(s->server, SIGTERM);
    if (ended(s) != 0)
        fail(s, "it ended with another status than 0");
    check_counts(s);
    s->requests_refused += s->refused;
    return look_at_the_end(s);
}

static void sweep_way(sweep *s, const way *w) {
    for (unsigned long at = 0;; at = way_next(at)) {
        char fault[64];
        way_text(fault, sizeof(fault), w, at);
        unsigned long refused = s->starts_refused + s->requests_refused;
        unsigned long seen = run(s, fault);
        if (w->is_nothing && refused != s->starts_refused + s->requests_refused)
            fail(s, "it should have gone on");
        if (seen <= at)
            return;
        s->places++;
    }
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    static sweep s;
    s.system = argv[1];
    s.weir = argv[2];
    s.small = read_file(argv[3], "small.onnx");
    s.bars = read_file(argv[3], "bars.onnx");
    s.page = read_file(argv[3], "page.png");
    snprintf(s.small_argument, sizeof(s.small_argument),
             "small=%.4000s/small.onnx", argv[3]);
    snprintf(s.seen, sizeof(s.seen), "%.4000s/seen", argv[3]);
    s.reads_texts = strstr(argv[4], "texts") != NULL;
    (void)run(&s, "none:0:0");
    if (s.starts_refused + s.requests_refused > 0)
        fail(&s, "refused, and nothing has failed");
    for (size_t i = 0; i < WAYS; i++)
        if (way_in(&ways[i], argv[4]))
            sweep_way(&s, &ways[i]);
    printf("%lu runs, %lu calls failed: %lu starts and %lu of %lu requests "
           "said no\n",
           s.runs, s.places, s.starts_refused, s.requests_refused, s.requests);
    unlink(s.seen);
    return s.starts_refused > 0 && s.requests_refused > 0 ? 0 : 1;
}
