// SPDX-License-Identifier: MIT
// Reading text in a picture, as far as no model is needed: pictures, lines,
// scaling, letters.
#include "programs/serve/reading.h"

#include "support/check.h"
#include "support/pool.h"

#include <errno.h>
#include <math.h>
#include <png.h>

// ---- a picture of bars -----------------------------------------------------

enum { WIDTH = 200, HEIGHT = 120 };

static unsigned char canvas[HEIGHT][WIDTH];

static void clear(int ground) { memset(canvas, ground, sizeof(canvas)); }

static void bar(int left, int top, int right, int bottom, int ink) {
    for (int y = top; y < bottom; y++)
        memset(&canvas[y][left], ink, (size_t)(right - left));
}

// The canvas as a PNG; *size is how many bytes.
static void *png_of(size_t *size) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = WIDTH,
                       .height = HEIGHT,
                       .format = PNG_FORMAT_GRAY};
    png_alloc_size_t bytes = 0;
    CHECK(png_image_write_to_memory(&image, NULL, &bytes, 0, canvas, 0, NULL));
    void *out = malloc(bytes);
    CHECK(png_image_write_to_memory(&image, out, &bytes, 0, canvas, 0, NULL));
    *size = bytes;
    return out;
}

static wr_picture picture_of_canvas(void) {
    size_t size;
    void *bytes = png_of(&size);
    wr_picture picture;
    wr_nn_why why;
    CHECK_EQ(wr_picture_read(&picture, NULL, bytes, size, &why), 0);
    free(bytes);
    return picture;
}

// ---- pictures --------------------------------------------------------------

static void a_picture_is_read(void) {
    clear(255);
    bar(20, 30, 60, 50, 0);
    wr_picture picture = picture_of_canvas();
    CHECK_EQ(picture.width, WIDTH);
    CHECK_EQ(picture.height, HEIGHT);
    CHECK_EQ(picture.pixel[40 * WIDTH + 40], 0);
    CHECK_EQ(picture.pixel[0], 255);
    free(picture.pixel);
}

static void light_on_dark_is_turned_round(void) {
    clear(10);
    bar(20, 30, 60, 50, 250);
    wr_picture picture = picture_of_canvas();
    CHECK_EQ(picture.pixel[0], 245);
    CHECK_EQ(picture.pixel[40 * WIDTH + 40], 5);
    free(picture.pixel);
}

static void a_damaged_picture_is_refused_at_every_byte(void) {
    clear(255);
    bar(20, 30, 60, 50, 0);
    size_t size;
    unsigned char *bytes = png_of(&size);
    wr_picture picture;
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut + 1); // so that reading on is seen
        memcpy(part, bytes, cut);
        wr_nn_why why = {""};
        int error = wr_picture_read(&picture, NULL, part, cut, &why);
        CHECK(error == 0 || (error == -EINVAL && why.text[0] != 0));
        // All pixels are there before the last chunk.
        CHECK(error != 0 || cut + 12 >= size);
        free(picture.pixel);
        free(part);
    }
    free(bytes);
}

static void a_huge_picture_is_refused_before_it_is_decoded(void) {
    clear(255);
    size_t size;
    unsigned char *bytes = png_of(&size);
    // IHDR: the width is at 16; its checksum is wrong then, or the size is.
    bytes[16] = 0x7f;
    wr_picture picture;
    wr_nn_why why = {""};
    int error = wr_picture_read(&picture, NULL, bytes, size, &why);
    CHECK(error == -EINVAL || error == -E2BIG);
    CHECK(why.text[0] != 0);
    free(bytes);
}

// ---- lines -----------------------------------------------------------------

static void lines_are_found_from_top_to_bottom(void) {
    clear(255);
    bar(20, 10, 100, 30, 0);
    bar(40, 60, 180, 80, 30);
    wr_picture picture = picture_of_canvas();
    wr_box box[WR_TEXT_LINES_MAX];
    CHECK_EQ(wr_picture_lines(&picture, NULL, box), 2);
    CHECK(box[0].left <= 20 && box[0].left >= 10 && box[0].right >= 100);
    CHECK(box[0].top <= 10 && box[0].bottom >= 30 && box[0].bottom < 60);
    CHECK(box[1].left <= 40 && box[1].right >= 180 && box[1].bottom >= 80);
    free(picture.pixel);
}

static void a_dot_above_belongs_to_its_line(void) {
    clear(255);
    bar(20, 14, 100, 40, 0);
    bar(30, 9, 34, 12, 0); // two rows apart
    wr_picture picture = picture_of_canvas();
    wr_box box[WR_TEXT_LINES_MAX];
    int count = wr_picture_lines(&picture, NULL, box);
    CHECK_EQ(count, 1);
    CHECK(box[0].top <= 9);
    free(picture.pixel);
}

// A high line has wide margins, which end at its neighbour.
static void a_box_has_no_ink_but_its_own(void) {
    clear(255);
    bar(20, 10, 100, 16, 0);
    bar(20, 19, 100, 119, 0);
    wr_picture picture = picture_of_canvas();
    wr_box box[WR_TEXT_LINES_MAX];
    CHECK_EQ(wr_picture_lines(&picture, NULL, box), 2);
    CHECK_EQ(box[0].top, 8);
    CHECK_EQ(box[0].bottom, 18);
    CHECK_EQ(box[1].top, 16);
    CHECK_EQ(box[1].bottom, HEIGHT);
    free(picture.pixel);
}

static void dirt_and_an_empty_picture_have_no_lines(void) {
    clear(255);
    bar(50, 50, 53, 53, 0);
    wr_picture picture = picture_of_canvas();
    wr_box box[WR_TEXT_LINES_MAX];
    CHECK_EQ(wr_picture_lines(&picture, NULL, box), 0);
    free(picture.pixel);
}

static int lines_on_a_worker(weir_worker *self, void *argument) {
    wr_picture *picture = argument;
    wr_box box[WR_TEXT_LINES_MAX];
    return wr_picture_lines(picture, self, box);
}

static void a_pool_finds_the_same_lines(void) {
    clear(255);
    for (int y = 4; y + 10 < HEIGHT; y += 20)
        bar(10, y, 90 + y, y + 10, 0);
    wr_picture picture = picture_of_canvas();
    wr_box box[WR_TEXT_LINES_MAX];
    int alone = wr_picture_lines(&picture, NULL, box);
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 3;
    weir_pool *pool;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    int together = 0;
    CHECK_EQ(weir_run(pool, lines_on_a_worker, &picture, &together), 0);
    CHECK_EQ(together, alone);
    CHECK(alone > 3);
    weir_pool_destroy(pool);
    free(picture.pixel);
}

// ---- scaling ---------------------------------------------------------------

static void a_line_is_scaled_to_the_models_input(void) {
    clear(255);
    bar(0, 0, 100, 96, 0); // the left half is black
    wr_picture picture = picture_of_canvas();
    wr_box box = {0, 0, 200, 96};
    CHECK_EQ(wr_picture_width(&box, 1000), 100);
    CHECK_EQ(wr_picture_width(&box, 64), 64);
    static float out[3 * WR_TEXT_HEIGHT * 160];
    wr_picture_scale(out, 160, 100, &picture, &box, false);
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < WR_TEXT_HEIGHT; y++) {
            const float *row = out + (plane * WR_TEXT_HEIGHT + y) * 160;
            CHECK(row[0] == -1 && row[40] == -1);
            CHECK(row[60] == 1 && row[99] == 1);
            CHECK(row[100] == 0 && row[159] == 0);
        }
    free(picture.pixel);
}

static void a_turned_line_is_the_other_way_round(void) {
    clear(255);
    bar(0, 0, 50, 24, 0);
    wr_picture picture = picture_of_canvas();
    wr_box box = {0, 0, 200, 96};
    static float upright[3 * WR_TEXT_HEIGHT * 100];
    static float turned[3 * WR_TEXT_HEIGHT * 100];
    wr_picture_scale(upright, 100, 100, &picture, &box, false);
    wr_picture_scale(turned, 100, 100, &picture, &box, true);
    for (int y = 0; y < WR_TEXT_HEIGHT; y++)
        for (int x = 0; x < 100; x++)
            CHECK(upright[y * 100 + x] ==
                  turned[(WR_TEXT_HEIGHT - 1 - y) * 100 + 99 - x]);
    free(picture.pixel);
}

static void tiny_boxes_have_a_width(void) {
    wr_box box = {0, 0, 1, 1000};
    CHECK_EQ(wr_picture_width(&box, 100), 1);
}

// ---- letters ---------------------------------------------------------------

static wr_letters letters_of(const char *text) {
    wr_letters letters;
    wr_nn_why why;
    CHECK_EQ(wr_letters_read(&letters, text, strlen(text), &why), 0);
    return letters;
}

static void a_dictionary_has_none_and_space_besides(void) {
    wr_letters letters = letters_of("a\nb\r\n\xc3\xa9\n");
    CHECK_EQ(letters.classes, 5);
    CHECK_STR(letters.letter[0], "");
    CHECK_STR(letters.letter[1], "a");
    CHECK_STR(letters.letter[2], "b");
    CHECK_STR(letters.letter[3], "\xc3\xa9");
    CHECK_STR(letters.letter[4], " ");
    wr_letters_free(&letters);
    letters = letters_of("x"); // the last line has no end
    CHECK_EQ(letters.classes, 3);
    wr_letters_free(&letters);
}

static void a_wrong_dictionary_is_refused_with_its_line(void) {
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"a\n\nb\n", "line 2 of the dictionary is empty"},
        {"a\n\xff\n", "line 2 of the dictionary is no UTF-8"},
        {"\xc3", "line 1 of the dictionary is no UTF-8"},
        {"\xc0\x80\n", "line 1 of the dictionary is no UTF-8"},
        {"\xe0\x9f\xbf\n", "line 1 of the dictionary is no UTF-8"},
        {"\xed\xa0\x80\n", "line 1 of the dictionary is no UTF-8"},
        {"\xf4\x90\x80\x80\n", "line 1 of the dictionary is no UTF-8"},
        {"", "the dictionary is empty"},
        {"aaaaaaaaaaaaaaaaaaaa\n", "line 1 of the dictionary is too long"}};
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        wr_letters letters;
        wr_nn_why why = {""};
        CHECK_EQ(wr_letters_read(&letters, wrong[i].text, strlen(wrong[i].text),
                                 &why),
                 -EINVAL);
        CHECK_STR(why.text, wrong[i].says);
    }
}

static void a_letter_of_any_length_is_one(void) {
    wr_letters letters =
        letters_of("\x7f\n\xdf\xbf\n\xe0\xa0\x80\n\xed\x9f\xbf\n"
                   "\xf0\x90\x80\x80\n\xf4\x8f\xbf\xbf\n");
    CHECK_EQ(letters.classes, 8);
    CHECK_STR(letters.letter[6], "\xf4\x8f\xbf\xbf");
    wr_letters_free(&letters);
    wr_nn_why why = {""};
    CHECK_EQ(wr_letters_read(&letters, "a\n\0\n", 4, &why), -EINVAL);
    CHECK_STR(why.text, "line 2 of the dictionary is no UTF-8");
}

static void what_is_no_likelihood_is_0_or_1(void) {
    wr_letters letters = letters_of("a\n");
    static const float odd[][2] = {{0, 9},     {0, INFINITY},  {-9, -1},
                                   {NAN, NAN}, {-INFINITY, 0}, {0, NAN}};
    static const float wanted[] = {1, 1, 0, 0, 0, 0};
    for (size_t i = 0; i < TEST_COUNT(odd); i++) {
        char *text;
        float sure;
        CHECK_EQ(wr_letters_decode(&text, &sure, &letters, odd[i], 1, 2), 0);
        CHECK(sure == wanted[i]);
        free(text);
    }
    wr_letters_free(&letters);
}

static void repeats_and_none_are_left_out(void) {
    wr_letters letters = letters_of("a\nb\n");
    // a a - a b b ' ' '-': "aab "
    static const float likely[8][4] = {
        {0, 0.9f, 0, 0}, {0, 0.5f, 0, 0}, {0.9f, 0, 0, 0}, {0, 0.7f, 0, 0},
        {0, 0, 0.8f, 0}, {0, 0, 0.9f, 0}, {0, 0, 0, 0.6f}, {0.9f, 0, 0, 0}};
    char *text;
    float sure;
    CHECK_EQ(wr_letters_decode(&text, &sure, &letters, likely[0], 8, 4), 0);
    CHECK_STR(text, "aab ");
    CHECK(fabsf(sure - (0.9f + 0.7f + 0.8f + 0.6f) / 4) < 1e-6f);
    free(text);
    // More classes than letters: what has no letter is left out.
    CHECK_EQ(wr_letters_decode(&text, &sure, &letters, likely[0], 4, 8), 0);
    free(text);
    CHECK_EQ(wr_letters_decode(&text, &sure, &letters, likely[2], 1, 4), 0);
    CHECK_STR(text, "");
    CHECK(sure == 0);
    free(text);
    wr_letters_free(&letters);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_picture_is_read", a_picture_is_read},
        {"light_on_dark_is_turned_round", light_on_dark_is_turned_round},
        {"a_damaged_picture_is_refused_at_every_byte",
         a_damaged_picture_is_refused_at_every_byte},
        {"a_huge_picture_is_refused_before_it_is_decoded",
         a_huge_picture_is_refused_before_it_is_decoded},
        {"lines_are_found_from_top_to_bottom",
         lines_are_found_from_top_to_bottom},
        {"a_dot_above_belongs_to_its_line", a_dot_above_belongs_to_its_line},
        {"a_box_has_no_ink_but_its_own", a_box_has_no_ink_but_its_own},
        {"dirt_and_an_empty_picture_have_no_lines",
         dirt_and_an_empty_picture_have_no_lines},
        {"a_pool_finds_the_same_lines", a_pool_finds_the_same_lines},
        {"a_line_is_scaled_to_the_models_input",
         a_line_is_scaled_to_the_models_input},
        {"a_turned_line_is_the_other_way_round",
         a_turned_line_is_the_other_way_round},
        {"tiny_boxes_have_a_width", tiny_boxes_have_a_width},
        {"a_dictionary_has_none_and_space_besides",
         a_dictionary_has_none_and_space_besides},
        {"a_wrong_dictionary_is_refused_with_its_line",
         a_wrong_dictionary_is_refused_with_its_line},
        {"a_letter_of_any_length_is_one", a_letter_of_any_length_is_one},
        {"what_is_no_likelihood_is_0_or_1", what_is_no_likelihood_is_0_or_1},
        {"repeats_and_none_are_left_out", repeats_and_none_are_left_out},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
