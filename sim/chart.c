#include "sim/chart.h"

#define LANES_MAX  16
#define LANE_WIDTH 8
#define TIME_SIZE  20 /* "day 0 00:03:12.524  " */

struct lanes {
    struct tt_slice names[LANES_MAX];
    size_t count;
};

enum direction { UP, DOWN, INSIDE };

struct line {
    struct tt_slice time;
    struct tt_slice device; /* empty: what the servers do among themselves */
    struct tt_slice text;
    enum direction direction;
};

static bool starts_with(struct tt_slice text, const char *start)
{
    struct tt_slice wanted = tt_slice_text(start);
    return text.size >= wanted.size && tt_slice_eq(tt_slice(text.data, wanted.size), wanted);
}

static struct tt_slice next_line(struct tt_slice *rest)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] != '\n')
        size++;
    struct tt_slice line = tt_slice(rest->data, size);
    *rest = tt_slice_from(*rest, size < rest->size ? size + 1 : size);
    return line;
}

static size_t word_size(struct tt_slice text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] != ' ')
        size++;
    return size;
}

static struct tt_slice skip_spaces(struct tt_slice text)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = tt_slice_from(text, 1);
    return text;
}

static struct line parse(struct tt_slice text)
{
    struct line line = {.text = text, .direction = INSIDE};
    if (text.size > TIME_SIZE && starts_with(text, "day ")) {
        size_t time = 0;
        for (int spaces = 0; time < text.size && spaces < 3; time++)
            spaces += text.data[time] == ' ';
        line.time = tt_slice(text.data, time - 1);
        text = skip_spaces(tt_slice_from(text, time));
    }
    line.text = text;
    if (starts_with(text, "& "))
        text = tt_slice_from(text, 2);
    bool is_down = starts_with(text, "-> ");
    if (is_down)
        text = tt_slice_from(text, 3);
    size_t name = word_size(text);
    struct tt_slice rest = skip_spaces(tt_slice_from(text, name));
    bool is_up = !is_down && starts_with(rest, "-> ");
    if (!is_up && !is_down)
        return line;
    line.direction = is_up ? UP : DOWN;
    line.device = tt_slice(text.data, name);
    line.text = skip_spaces(tt_slice_from(rest, is_up ? 3 : 0));
    return line;
}

static size_t lane_of(struct lanes *lanes, struct tt_slice name)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (tt_slice_eq(lanes->names[i], name))
            return i;
    if (lanes->count == LANES_MAX)
        return LANES_MAX - 1;
    lanes->names[lanes->count] = name;
    return lanes->count++;
}

static void pad(struct tt_buffer *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tt_buffer_add_text(out, text);
}

static void draw_line(const struct lanes *lanes, const struct line *line, size_t lane,
                      struct tt_buffer *out)
{
    tt_buffer_add(out, line->time);
    pad(out, " ", line->time.size < TIME_SIZE ? TIME_SIZE - line->time.size : 1);
    for (size_t i = 0; i < lanes->count; i++) {
        bool is_here = line->direction != INSIDE && i == lane;
        bool is_crossed = line->direction != INSIDE && i > lane;
        if (is_here)
            tt_buffer_add_text(out, line->direction == DOWN ? "<" : "o");
        else
            tt_buffer_add_text(out, is_crossed ? "-" : "|");
        pad(out, is_here || is_crossed ? "-" : " ", LANE_WIDTH - 1);
    }
    tt_buffer_add_text(out, line->direction == UP ? "> " : line->direction == DOWN ? "o " : "* ");
    tt_buffer_add(out, line->text);
    tt_buffer_add_text(out, "\n");
}

static void draw_head(const struct lanes *lanes, struct tt_buffer *out)
{
    pad(out, " ", TIME_SIZE);
    for (size_t i = 0; i < lanes->count; i++) {
        size_t size = lanes->names[i].size < LANE_WIDTH ? lanes->names[i].size : LANE_WIDTH - 1;
        tt_buffer_add(out, tt_slice(lanes->names[i].data, size));
        pad(out, " ", LANE_WIDTH - size);
    }
    tt_buffer_add_text(out, "servers\n");
}

void tt_chart_draw(struct tt_slice trace, size_t lines_max, struct tt_buffer *out)
{
    size_t count = 0;
    for (struct tt_slice rest = trace; rest.size > 0; count++)
        (void)next_line(&rest);
    struct tt_slice shown = trace;
    for (; count > lines_max; count--)
        (void)next_line(&shown);

    struct lanes lanes = {.count = 0};
    for (struct tt_slice rest = shown; rest.size > 0;) {
        struct line line = parse(next_line(&rest));
        if (line.device.size > 0)
            (void)lane_of(&lanes, line.device);
    }
    draw_head(&lanes, out);
    for (struct tt_slice rest = shown; rest.size > 0;) {
        struct line line = parse(next_line(&rest));
        draw_line(&lanes, &line, line.device.size > 0 ? lane_of(&lanes, line.device) : 0, out);
    }
}
