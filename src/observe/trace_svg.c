// SPDX-License-Identifier: MIT
// The timeline as a picture: one file, for any browser. From top to bottom: a
// summary, a legend, the axis, and for each pool how many jobs were queued and
// a row for each worker, in which what happened inside something is below it.
#include "weir/observe.h"

#include "base/fault.h"
#include "observe/trace_boxes.h"
#include "observe/trace_names.h"
#include "observe/trace_text.h"

#include <errno.h>
#include <string.h>

enum {
    WIDTH_DEFAULT = 1200,
    WIDTH_MAX = 20000,
    MARGIN = 16,
    LEFT = 104, // of the rows; before it their names
    RIGHT = 96, // after them how busy they were
    PLOT_MIN = 240,
    LANE = 17, // of which one pixel is between the lanes
    ROW_GAP = 5,
    HEAD = 26,  // the name of a pool
    QUEUE = 26, // how many are queued
    LEGEND_LINE = 20,
    AXIS = 26,
    TICK_GAP = 90, // pixels between ticks, about
    GLYPH = 6,     // pixels of a character, about
    BOXES_MAX = 9000,
    DARK = '5',   // the colour on which a name is white
    LABEL_MIN = 4 // characters of a name worth writing into its box
};

// A pool, or all other threads.
typedef struct section {
    size_t first, end; // rows
    unsigned y;
    bool queue; // some jobs were queued
} section;

typedef struct svg {
    wr_text text;
    wr_view view;
    wr_names names;
    wr_scale scale;
    unsigned width;
    unsigned axis_y;
    unsigned bottom;
    section *sections;
    size_t sections_count;
    unsigned *tops;             // of rows; 0: nothing happened there, not drawn
    double *columns;            // see wr_boxes_queue
    size_t row;                 // that is being drawn
    bool kinds[WR_TRACE_KINDS]; // that occur
} svg;

static const char head[] =
    "text{font:11.5px system-ui,\"Segoe UI\",Helvetica,Arial,sans-serif;"
    "fill:#1f2328}\n"
    ".h{font-size:19px;font-weight:600}.s{font-size:13px;font-weight:600}\n"
    ".m{fill:#59636e}.e{text-anchor:end}.k{text-anchor:middle}\n"
    ".g{stroke:#d1d9e0}.bg{fill:#fff}.r{fill:#f3f5f8}.u{fill:#d1d9e0}\n"
    ".v{fill:#57606a}.q{fill:#7d8996;fill-opacity:.55}\n"
    ".n0{fill:#56b4e9}.n1{fill:#e69f00}.n2{fill:#22a884}.n3{fill:#cc79a7}\n"
    ".n4{fill:#f0e442}.n5{fill:#3a68b8}.n6{fill:#e06c3c}.n7{fill:#9aa5b1}\n"
    ".f{stroke:#1f2328;stroke-opacity:.6;stroke-dasharray:2 2}\n"
    ".p{fill:#afb8c1}.l{fill:url(#weir-lent)}.d{fill:url(#weir-late)}\n"
    ".o{fill:url(#weir-lost)}.w{stroke:#7d8996;stroke-width:2}\n"
    ".wb{fill:#e4e8ec}.wd{stroke:#1f2328;stroke-opacity:.55;stroke-width:1.5}\n"
    ".b{fill:#111;font-size:10.5px;pointer-events:none}.i{fill:#fff}\n"
    "path:hover{stroke:#1f2328;stroke-width:1.5}.q:hover,.g:hover{stroke:none}"
    "\n"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}\n"
    ".g{stroke:#30363d}.bg{fill:#0d1117}.r{fill:#161b22}.u{fill:#30363d}\n"
    ".v{fill:#9198a1}.p{fill:#484f58}.wb{fill:#21262d}.w{stroke:#6e7681}\n"
    ".b{fill:#111}.i{fill:#fff}.f,path:hover{stroke:#e6edf3}}\n";

// Stripes: a place that is lent, an outcome that waits, what was overwritten.
static const char patterns[] =
    "<defs><pattern id=\"weir-lent\" width=\"6\" height=\"6\" "
    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
    "<rect class=\"wb\" width=\"6\" height=\"6\"/>"
    "<path class=\"w\" d=\"M1 0v6\"/></pattern>\n"
    "<pattern id=\"weir-late\" width=\"4\" height=\"4\" "
    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">"
    "<path class=\"wd\" d=\"M1 0v4\"/></pattern>\n"
    "<pattern id=\"weir-lost\" width=\"5\" height=\"5\" "
    "patternUnits=\"userSpaceOnUse\">"
    "<path class=\"p\" d=\"M1 1h1.5v1.5h-1.5z\"/></pattern></defs>\n";

// ---- small parts -----------------------------------------------------------

static void put(svg *s, const char *string) { wr_text_put(&s->text, string); }

static void put_x(svg *s, double x) { wr_text_pixel(&s->text, x); }

static void put_attribute(svg *s, const char *name, double value) {
    put(s, " ");
    put(s, name);
    put(s, "=\"");
    put_x(s, value);
    put(s, "\"");
}

// Opens a text; put_text_end closes it.
static void put_text(svg *s, const char *classes, double x, double y) {
    put(s, "<text");
    if (classes[0] != '\0') {
        put(s, " class=\"");
        put(s, classes);
        put(s, "\"");
    }
    put_attribute(s, "x", x);
    put_attribute(s, "y", y);
    put(s, ">");
}

static void put_text_end(svg *s) { put(s, "</text>\n"); }

static void put_path(svg *s, const char *classes) {
    put(s, "<path class=\"");
    put(s, classes);
    put(s, "\" d=\"");
}

static void put_rectangle(svg *s, double x, double y, double w, double h) {
    put(s, "M");
    put_x(s, x);
    put(s, " ");
    put_x(s, y);
    put(s, "h");
    put_x(s, w);
    put(s, "v");
    put_x(s, h);
    put(s, "h");
    put_x(s, -w);
    put(s, "z\"");
}

static void put_percent(svg *s, double part) {
    double percent = part * 100;
    wr_text_unsigned(&s->text,
                     (uint64_t)((percent > 100 ? 100 : percent) + 0.5));
    put(s, " %");
}

static void put_count(svg *s, uint64_t count, const char *one,
                      const char *many) {
    wr_text_thousands(&s->text, count);
    put(s, " ");
    put(s, count == 1 ? one : many);
}

static double plot_x(const svg *s, int64_t ns) {
    double x = wr_scale_x(&s->scale, ns);
    return LEFT + (x < 0 ? 0 : x > s->scale.pixels ? s->scale.pixels : x);
}

static void colour_class(char name[3], unsigned colour) {
    name[0] = 'n';
    name[1] = (char)('0' + colour);
    name[2] = '\0';
}

// How busy a worker was, of the time that is known of it: 0 to 1.
static double utilisation(const svg *s, const wr_view_row *row) {
    double x = plot_x(s, row->from_ns) - LEFT;
    double known_ns = s->scale.ns * (1 - x / s->scale.pixels);
    double part = known_ns > 0 ? (double)row->busy_ns / known_ns : 0;
    return part > 1 ? 1 : part;
}

// ---- boxes -----------------------------------------------------------------

static void put_hover(svg *s, const wr_box *box) {
    const wr_trace_event *event = box->event;
    uint64_t extent = wr_view_between(box->begin_ns, box->end_ns);
    put(s, "><title>");
    if (box->count > 1) {
        put_count(s, box->count, "", "events, the longest: ");
    }
    wr_text_xml(&s->text, wr_view_label(event), SIZE_MAX);
    if (event->name[0] != '\0') {
        put(s, " \u00b7 ");
        put(s, wr_view_kind(event->kind));
    }
    if (box->count > 1) {
        put(s, ", ");
        wr_text_time(&s->text, wr_view_length(event));
    }
    put(s, "\n");
    wr_text_time(&s->text, extent);
    put(s, " from ");
    wr_text_micro(&s->text,
                  (int64_t)wr_view_between(s->view.begin_ns, box->begin_ns));
    put(s, " \u00b5s");
    if (box->count > 1) {
        put(s, ", busy ");
        wr_text_time(&s->text, box->busy_ns);
    } else if (event->kind == WR_TRACE_JOB) {
        int64_t wait_ns = wr_view_wait(&s->view.rows[s->row], event);
        if (wait_ns >= 0) {
            put(s, "\nqueued ");
            wr_text_time(&s->text, (uint64_t)wait_ns);
        }
    }
    put(s, "</title></path>\n");
}

static const char *box_class(const svg *s, const wr_trace_event *event,
                             char name[8]) {
    switch (event->kind) {
    case WR_TRACE_PARK: return "p";
    case WR_TRACE_LOAN: return "l";
    case WR_TRACE_DELIVERY: return "d";
    default: break;
    }
    colour_class(name, wr_names_colour(&s->names, event));
    if (event->kind == WR_TRACE_FORK)
        memcpy(name + 2, " f", 3);
    return name;
}

static void put_box_label(svg *s, const wr_box *box, bool dark, double x,
                          double y, double w) {
    const char *label = wr_view_label(box->event);
    size_t fits = w > 8 ? (size_t)((w - 8) / GLYPH) : 0;
    size_t length = wr_text_characters(label);
    if (length > fits && fits < LABEL_MIN)
        return;
    put_text(s, dark ? "b i" : "b", x + 4, y + 12);
    if (length <= fits) {
        wr_text_xml(&s->text, label, length);
    } else {
        wr_text_xml(&s->text, label, fits - 1);
        put(s, "\u2026");
    }
    put_text_end(s);
}

static void put_box(void *context, const wr_box *box) {
    svg *s = context;
    double x = plot_x(s, box->begin_ns);
    double extent = plot_x(s, box->end_ns) - x;
    double w = extent;
    bool park = box->lane == WR_LANE_PARK;
    double y = s->tops[s->row] + (park ? 7 : box->lane * LANE);
    char space[8];
    const char *class = box_class(s, box->event, space);
    // A gap to the neighbour, so that two of the same colour are two.
    if (w > 3)
        w -= 0.7;
    w = w < 0.7 ? 0.7 : w;
    put_path(s, class);
    put_rectangle(s, x, y, w, park ? 2 : LANE - 1);
    double busy = (double)box->busy_ns * s->scale.pixels / s->scale.ns;
    if (box->count > 1 && !park && busy < 0.95 * w) {
        double part = busy / w;
        put_attribute(s, "opacity", part < 0.25 ? 0.25 : part);
    }
    put_hover(s, box);
    bool plain = !park && box->event->kind != WR_TRACE_LOAN &&
                 box->event->kind != WR_TRACE_DELIVERY;
    if (box->count == 1 && plain)
        put_box_label(s, box, class[1] == DARK, x, y, w);
}

// ---- rows ------------------------------------------------------------------

static void put_row_name(svg *s, const wr_view_row *row, double y) {
    put_text(s, "e", LEFT - 10, y + 12);
    put(s, "<title>");
    wr_text_xml(&s->text, row->track->name, SIZE_MAX);
    put(s, ": ");
    put_count(s, row->track->count, "event", "events");
    put(s, "\nbusy ");
    wr_text_time(&s->text, row->busy_ns);
    put(s, ", lent ");
    wr_text_time(&s->text, row->lent_ns);
    put(s, ", asleep ");
    wr_text_time(&s->text, row->parked_ns);
    if (row->hidden > 0) {
        put(s, "\n");
        wr_text_thousands(&s->text, row->hidden);
        put(s, " nested too deep to be drawn");
    }
    put(s, "</title>");
    if (row->track->pool != 0) {
        put(s, "worker ");
        wr_text_unsigned(&s->text, row->track->index);
    } else {
        put(s, "others");
    }
    put_text_end(s);
}

static void put_row_load(svg *s, const wr_view_row *row, double y) {
    double x = s->width - RIGHT + 12;
    double part = utilisation(s, row);
    put_path(s, "u");
    put_rectangle(s, x, y + 5, 28, 6);
    put(s, "/>");
    put_path(s, "v");
    put_rectangle(s, x, y + 5, 28 * part, 6);
    put(s, "/>\n");
    put_text(s, "e", s->width - MARGIN, y + 12);
    put_percent(s, part);
    put_text_end(s);
}

static void put_row(svg *s, size_t index) {
    const wr_view_row *row = &s->view.rows[index];
    double y = s->tops[index];
    put_row_name(s, row, y);
    if (row->track->pool != 0)
        put_row_load(s, row, y);
    double known = plot_x(s, row->from_ns);
    if (row->track->overwritten > 0 && known > LEFT) {
        put_path(s, "o");
        put_rectangle(s, LEFT, y, known - LEFT, row->lanes * LANE - 1);
        put(s, "><title>");
        put_count(s, row->track->overwritten, "event was", "events were");
        put(s, " overwritten here</title></path>\n");
    }
    s->row = index;
    wr_boxes_each(row, &s->scale, put_box, s);
}

static void put_queue(svg *s, const section *part) {
    size_t count = (size_t)s->scale.pixels;
    double highest =
        wr_boxes_queue(s->view.rows + part->first, part->end - part->first,
                       &s->scale, s->columns, count);
    double base = part->y + HEAD + QUEUE - 5;
    double unit = highest > 0 ? (QUEUE - 6) / highest : 0;
    put_text(s, "m e", LEFT - 10, base - 3);
    put(s, "queued");
    put_text_end(s);
    put_text(s, "m", s->width - RIGHT + 12, base - 3);
    put(s, "up to ");
    if (highest < 10)
        put_x(s, (double)(uint64_t)(highest * 10 + 0.5) / 10);
    else
        wr_text_thousands(&s->text, (uint64_t)(highest + 0.5));
    put_text_end(s);
    put_path(s, "q");
    put(s, "M");
    put_x(s, LEFT);
    put(s, " ");
    put_x(s, base);
    double level = 0;
    for (size_t i = 0; i <= count; i++) {
        double next = i < count ? s->columns[i] * unit : 0;
        if (next - level < 0.01 && level - next < 0.01)
            continue;
        put(s, "H");
        put_x(s, LEFT + (double)i);
        put(s, "V");
        put_x(s, base - next);
        level = next;
    }
    put(s, "z\"><title>jobs in the queue, each pixel an average of ");
    wr_text_time(&s->text, (uint64_t)(s->scale.ns / s->scale.pixels + 0.5));
    put(s, "</title></path>\n");
}

static void put_section(svg *s, const section *part) {
    const wr_trace_track *track = s->view.rows[part->first].track;
    char name[WR_TRACE_NAME_MAX];
    memcpy(name, track->name, sizeof(name));
    char *slash = strrchr(name, '/');
    if (track->pool != 0 && slash != NULL)
        *slash = '\0';
    put_text(s, "s", MARGIN, part->y + 17);
    wr_text_xml(&s->text, name, SIZE_MAX);
    put_text_end(s);
    if (part->queue)
        put_queue(s, part);
    for (size_t i = part->first; i < part->end; i++)
        if (s->tops[i] != 0)
            put_row(s, i);
}

// ---- above the rows --------------------------------------------------------

static void put_summary(svg *s) {
    const wr_view *view = &s->view;
    size_t workers = 0;
    size_t pools = 0;
    double busy = 0;
    for (size_t i = 0; i < s->sections_count; i++)
        pools += view->rows[s->sections[i].first].track->pool != 0;
    for (size_t i = 0; i < view->count; i++)
        if (s->tops[i] != 0 && view->tracks[i].pool != 0) {
            workers++;
            busy += utilisation(s, &view->rows[i]);
        }
    put_text(s, "h", MARGIN, 30);
    put(s, "Timeline");
    put_text_end(s);
    put_text(s, "m", MARGIN, 50);
    if (view->events == 0)
        put(s, "nothing was recorded");
    else
        put_count(s, view->events, "event", "events");
    if (view->events > 0) {
        put(s, " in ");
        wr_text_time(&s->text, wr_view_between(view->begin_ns, view->end_ns));
    }
    if (workers > 0) {
        put(s, " \u00b7 ");
        put_count(s, workers, "worker", "workers");
        put(s, " of ");
        put_count(s, pools, "pool", "pools");
        put(s, ", busy ");
        put_percent(s, busy / (double)workers);
        put(s, " of the time");
    }
    if (view->events > 0) {
        put(s, " \u00b7 ");
        wr_text_thousands(&s->text, view->overwritten);
        put(s, " older overwritten");
    }
    put_text_end(s);
}

// Where the next item of the legend goes.
typedef struct place {
    double x, y;
} place;

// Opens an item of about `characters`; returns where its text goes.
static place put_item(svg *s, place *at, size_t characters) {
    double width = 18 + 24 + (double)(characters * GLYPH);
    if (at->x + width > s->width - MARGIN && at->x > MARGIN) {
        at->x = MARGIN;
        at->y += LEGEND_LINE;
    }
    place here = *at;
    at->x += width;
    return here;
}

static void put_named(svg *s, place *at, const wr_name *name,
                      const char *label) {
    size_t digits = 1;
    for (size_t left = name->count; left >= 10; left /= 10)
        digits++;
    place here = put_item(s, at, wr_text_characters(label) + digits + 12);
    char class[3];
    colour_class(class, name->colour);
    put_path(s, class);
    put_rectangle(s, here.x, here.y, 12, 12);
    put(s, "/>");
    put_text(s, "", here.x + 18, here.y + 10);
    wr_text_xml(&s->text, label, SIZE_MAX);
    put(s, " <tspan class=\"m\">");
    wr_text_thousands(&s->text, name->count);
    put(s, " \u00d7, ");
    wr_text_time(&s->text, name->total_ns);
    put(s, "</tspan>");
    put_text_end(s);
}

static void put_plain(svg *s, place *at, const char *class, double height,
                      const char *label) {
    place here = put_item(s, at, strlen(label));
    put_path(s, class);
    put_rectangle(s, here.x, here.y + (12 - height) / 2, 12, height);
    put(s, "/>");
    put_text(s, "", here.x + 18, here.y + 10);
    put(s, label);
    put_text_end(s);
}

// Returns the y below it. Called twice: the first time to see how high it is,
// with a text that goes nowhere.
static double put_legend(svg *s) {
    place at = {MARGIN, 64};
    for (size_t i = 0; i < s->names.count; i++)
        put_named(s, &at, &s->names.top[i], s->names.top[i].label);
    if (s->names.others > 0)
        put_named(s, &at, &s->names.other, "all other names");
    if (s->kinds[WR_TRACE_FORK])
        put_plain(s, &at, "n7 f", 12, "dashed: stolen fork");
    if (s->kinds[WR_TRACE_LOAN])
        put_plain(s, &at, "l", 12, "waits, its place is lent");
    if (s->kinds[WR_TRACE_DELIVERY])
        put_plain(s, &at, "d", 12, "outcome waits for the loop");
    if (s->kinds[WR_TRACE_PARK])
        put_plain(s, &at, "p", 2, "asleep");
    if (s->view.overwritten > 0)
        put_plain(s, &at, "o", 12, "overwritten");
    return at.y + LEGEND_LINE;
}

// The smallest of 1, 2 or 5 times a power of ten that is not below `ns`.
static uint64_t round_step(double ns) {
    uint64_t power = 1;
    while ((double)power * 10 <= ns && power < UINT64_MAX / 100)
        power *= 10;
    static const unsigned factors[] = {1, 2, 5};
    for (size_t i = 0; i < 3; i++)
        if ((double)(power * factors[i]) >= ns)
            return power * factors[i];
    return power * 10;
}

// As many digits after the point as the step between ticks has.
static void put_tick(svg *s, uint64_t ns, uint64_t step, uint64_t unit) {
    wr_text_unsigned(&s->text, ns / unit);
    char digits[24];
    uint64_t rest = ns % unit;
    unsigned count = 0;
    for (uint64_t left = step % unit; left != 0; left = left * 10 % unit) {
        rest *= 10;
        digits[count++] = (char)('0' + rest / unit);
        rest %= unit;
    }
    digits[count] = '\0';
    if (count > 0) {
        put(s, ".");
        put(s, digits);
    }
    put(s, unit == 1         ? " ns"
           : unit == 1000    ? " \u00b5s"
           : unit == 1000000 ? " ms"
                             : " s");
}

static void put_axis(svg *s) {
    uint64_t span = (uint64_t)s->scale.ns;
    uint64_t step = round_step(s->scale.ns * TICK_GAP / s->scale.pixels);
    uint64_t unit = span >= 1000000000 ? 1000000000
                    : span >= 1000000  ? 1000000
                    : span >= 1000     ? 1000
                                       : 1;
    for (uint64_t ns = 0; ns <= span; ns += step) {
        double x = LEFT + (double)ns * (s->scale.pixels / s->scale.ns);
        put_path(s, "g");
        put(s, "M");
        put_x(s, x);
        put(s, " ");
        wr_text_unsigned(&s->text, s->axis_y + AXIS - 6);
        put(s, "V");
        wr_text_unsigned(&s->text, s->bottom);
        put(s, "\"/>");
        put_text(s, "m k", x, s->axis_y + AXIS - 11);
        put_tick(s, ns, step, unit);
        put_text_end(s);
    }
    put_text(s, "m e", s->width - MARGIN, s->axis_y + AXIS - 11);
    put(s, "busy");
    put_text_end(s);
}

static void put_stripes(svg *s) {
    for (size_t i = 0; i < s->view.count; i++) {
        if (s->tops[i] == 0)
            continue;
        put_path(s, "r");
        put_rectangle(s, LEFT, s->tops[i], s->scale.pixels,
                      s->view.rows[i].lanes * LANE - 1);
        put(s, "/>\n");
    }
}

// ---- the picture -----------------------------------------------------------

// A worker without events may never have been started: it is left out.
static void find_sections(svg *s) {
    for (size_t i = 0; i < s->view.count; i++) {
        const wr_trace_track *track = &s->view.tracks[i];
        if (track->count == 0)
            continue;
        size_t n = s->sections_count;
        if (n == 0 ||
            s->view.tracks[s->sections[n - 1].first].pool != track->pool)
            s->sections[s->sections_count++].first = i;
        section *last = &s->sections[s->sections_count - 1];
        last->end = i + 1;
        last->queue = last->queue || s->view.rows[i].queued_count > 0;
        for (size_t e = 0; e < track->count; e++)
            s->kinds[track->events[e].kind] = true;
    }
}

static void place_rows(svg *s, unsigned y) {
    s->axis_y = y;
    y += AXIS;
    for (size_t i = 0; i < s->sections_count; i++) {
        section *part = &s->sections[i];
        part->y = y;
        y += part->queue ? HEAD + QUEUE : HEAD;
        for (size_t r = part->first; r < part->end; r++) {
            if (s->view.tracks[r].count == 0)
                continue;
            s->tops[r] = y;
            y += s->view.rows[r].lanes * LANE + ROW_GAP;
        }
    }
    s->bottom = y;
}

static void put_picture(svg *s) {
    unsigned height = s->bottom + MARGIN;
    put(s, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"");
    wr_text_unsigned(&s->text, s->width);
    put(s, "\" height=\"");
    wr_text_unsigned(&s->text, height);
    put(s, "\" viewBox=\"0 0 ");
    wr_text_unsigned(&s->text, s->width);
    put(s, " ");
    wr_text_unsigned(&s->text, height);
    put(s, "\">\n<title>weir timeline</title>\n<style>");
    put(s, head);
    put(s, "</style>\n");
    put(s, patterns);
    put(s, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
    put_summary(s);
    put_legend(s);
    if (s->sections_count > 0) {
        put_stripes(s);
        put_axis(s);
    }
    for (size_t i = 0; i < s->sections_count; i++)
        put_section(s, &s->sections[i]);
    put(s, "</svg>\n");
}

static int prepare(svg *s) {
    size_t count = s->view.count;
    size_t pixels = (size_t)s->scale.pixels;
    s->sections = wr_calloc(count, sizeof(*s->sections));
    s->tops = wr_calloc(count, sizeof(*s->tops));
    s->columns = wr_calloc(2 * pixels, sizeof(*s->columns));
    if (s->sections == NULL || s->tops == NULL || s->columns == NULL)
        return -ENOMEM;
    int error = wr_names_make(&s->names, &s->view);
    if (error != 0)
        return error;
    wr_view_cut_parks(&s->view);
    wr_boxes_fit(&s->view, &s->scale, BOXES_MAX);
    find_sections(s);
    s->text.failed = true; // only to see how high the legend is
    place_rows(s, (unsigned)put_legend(s));
    return 0;
}

int weir_trace_svg(weir_trace *trace, FILE *out, unsigned width) {
    if (width > WIDTH_MAX)
        return -EINVAL;
    svg *s = wr_calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    int error = wr_view_make(&s->view, trace);
    if (error != 0) {
        wr_free(s);
        return error;
    }
    s->width = width == 0 ? WIDTH_DEFAULT : width;
    if (s->width < LEFT + PLOT_MIN + RIGHT)
        s->width = LEFT + PLOT_MIN + RIGHT;
    uint64_t span = wr_view_between(s->view.begin_ns, s->view.end_ns);
    s->scale = (wr_scale){.begin_ns = s->view.begin_ns,
                          .ns = span > 0 ? (double)span : 1,
                          .pixels = s->width - LEFT - RIGHT};
    error = prepare(s);
    if (error == 0) {
        wr_text_begin(&s->text, out);
        put_picture(s);
        error = wr_text_end(&s->text);
    }
    wr_free(s->sections);
    wr_free(s->tops);
    wr_free(s->columns);
    wr_view_free(&s->view);
    wr_free(s);
    return error;
}
