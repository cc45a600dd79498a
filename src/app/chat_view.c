#include "app/chat_view.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TYPING_MS 5000
#define CONTROL_C 3
#define CONTROL_D 4
#define BLUE      "\x1b[34;1m"
#define DIM       "\x1b[2m"
#define PLAIN     "\x1b[0m"
#define CHECK     "\xe2\x9c\x93"

void tt_chat_view_open(struct tt_chat_view *view)
{
    view->is_screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
                      tcgetattr(STDIN_FILENO, &view->before) == 0;
    if (!view->is_screen)
        return;
    struct termios raw = view->before;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO | ISIG); /* Ctrl-C must put the terminal back */
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ); /* a screen in one write does not flicker */
    fputs("\x1b[?1049h", stdout);
}

void tt_chat_view_close(struct tt_chat_view *view)
{
    if (!view->is_screen)
        return;
    fputs("\x1b[?1049l", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &view->before);
}

static void erase_character(struct tt_chat_view *view)
{
    while (view->input_size > 0) {
        unsigned char byte = (unsigned char)view->input[--view->input_size];
        if ((byte & 0xc0) != 0x80)
            return;
    }
}

enum tt_chat_key tt_chat_view_key(struct tt_chat_view *view, char byte)
{
    if (byte == '\n' || byte == '\r')
        return TT_CHAT_ENTERED;
    if (byte == CONTROL_C || (byte == CONTROL_D && view->input_size == 0))
        return TT_CHAT_QUIT;
    if (byte == 127 || byte == 8)
        erase_character(view);
    else if (((unsigned char)byte >= 0x20 || byte == '\t') &&
             view->input_size < sizeof(view->input))
        view->input[view->input_size++] = byte;
    return TT_CHAT_TYPED;
}

static void print_slice(struct tt_slice text)
{
    fwrite(text.data, 1, text.size, stdout);
}

static void print_status(const struct tt_chat_peer *peer)
{
    print_slice(tt_id_slice(&peer->user));
    if (peer->status.unknown)
        return;
    if (peer->status.online) {
        fputs(" is online", stdout);
    } else if (peer->status.last_seen.ms != 0) {
        char at[TT_TIME_TEXT_SIZE];
        tt_time_format(peer->status.last_seen, at);
        printf(" was last seen at %.19sZ", at);
    } else
        fputs(" is away", stdout);
}

static void print_tick(const struct tt_chat_room *room, const struct tt_chat_message *message)
{
    if (!tt_id_eq(&message->sender, &room->me))
        return;
    if (message->seq.n == 0)
        fputs("  " DIM "..." PLAIN, stdout);
    else if (message->seq.n <= room->others.read.n)
        fputs("  " BLUE CHECK CHECK PLAIN, stdout);
    else if (message->seq.n <= room->others.delivered.n)
        fputs("  " CHECK CHECK, stdout);
    else
        fputs("  " CHECK, stdout);
}

void tt_chat_view_draw(const struct tt_chat_view *view, const struct tt_chat_room *room,
                       const char *notice, uint64_t now_ms)
{
    if (!view->is_screen)
        return;
    struct winsize size = {0};
    size_t rows =
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 6 ? size.ws_row : 24;
    size_t shown = rows - 5;
    fputs("\x1b[H\x1b[2J", stdout);
    for (size_t i = 0; i < room->peer_count; i++) {
        fputs(i == 0 ? "" : ", ", stdout);
        print_status(&room->peers[i]);
    }
    fputs("\n\n", stdout);
    size_t first = room->count > shown ? room->count - shown : 0;
    for (size_t i = first; i < room->count; i++) {
        const struct tt_chat_message *message = &room->messages[i];
        print_slice(tt_id_slice(&message->sender));
        fputs(": ", stdout);
        print_slice(tt_buffer_slice(&message->text));
        print_tick(room, message);
        putchar('\n');
    }
    if (notice != NULL)
        printf(DIM "%s" PLAIN "\n", notice);
    else if (room->typing_at != 0 && now_ms < room->typing_at + TYPING_MS) {
        print_slice(tt_id_slice(&room->typing));
        fputs(" is typing...\n", stdout);
    } else
        putchar('\n');
    fputs("> ", stdout);
    print_slice(tt_slice(view->input, view->input_size));
    fflush(stdout);
}

static void tell_status(const struct tt_received *frame)
{
    struct tt_chat_peer peer = {.user = frame->user, .status = frame->status};
    print_status(&peer);
    putchar('\n');
}

static void tell_message(const struct tt_received *frame)
{
    struct tt_buffer text = {0};
    tt_json_unescape(frame->content, &text);
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            text.data[i] = ' ';
    printf("%.*s: %.*s (#%llu)\n", frame->sender.size, frame->sender.bytes, (int)text.size,
           text.data, (unsigned long long)frame->seq.n);
    tt_buffer_deinit(&text);
}

void tt_chat_view_tell(const struct tt_chat_view *view, const struct tt_received *frame)
{
    if (view->is_screen || !frame->known)
        return;
    if (frame->kind == TT_SERVER_SENT)
        printf(CHECK " #%llu is stored\n", (unsigned long long)frame->seq.n);
    else if (frame->kind == TT_SERVER_MESSAGE)
        tell_message(frame);
    else if (frame->kind == TT_SERVER_STATUS_UPDATE && frame->has_read)
        printf(CHECK CHECK " blue: read up to #%llu\n", (unsigned long long)frame->cursor.read.n);
    else if (frame->kind == TT_SERVER_STATUS_UPDATE)
        printf(CHECK CHECK " delivered up to #%llu\n",
               (unsigned long long)frame->cursor.delivered.n);
    else if (frame->kind == TT_SERVER_PRESENCE)
        tell_status(frame);
    else if (frame->kind == TT_SERVER_TYPING)
        printf("%.*s is typing...\n", frame->user.size, frame->user.bytes);
    else if (frame->kind == TT_SERVER_ERROR)
        printf("the server answered: %.*s\n", (int)frame->error.size, frame->error.data);
    fflush(stdout);
}
