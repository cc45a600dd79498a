#include "sim/oracle.h"

#include "base/limits.h"
#include "base/memory.h"
#include "sim/model.h"

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

static struct session_view *view_of(struct session_note *note, int conversation)
{
    return &note->views[conversation];
}

static bool was_sent(const struct session_view *view, uint64_t seq)
{
    return seq < TT_ORACLE_SEQS_TRACKED && (view->sent[seq / 8] >> (seq % 8) & 1) != 0;
}

void tt_oracle_session_opens(struct tt_oracle *oracle, struct tt_link *link)
{
    if (oracle == NULL)
        return;
    int device = tt_model_device(oracle, &link->user, &link->device);
    struct session_note *note = tt_alloc(sizeof(*note));
    note->device = device;
    note->unlinks = oracle->devices[device].unlinks;
    note->open = -1;
    for (int i = 0; i < oracle->conversation_count; i++) {
        note->views[i].at_open = oracle->conversations[i].positions[device];
        note->views[i].handed = note->views[i].at_open;
        note->views[i].floor = oracle->devices[device].views[i].shown;
    }
    link->oracle = note;
    if (oracle->sessions[oracle->devices[device].user]++ == 0)
        oracle->came_us[oracle->devices[device].user] = oracle->world->agenda.now_us;
    oracle->sessions_us[oracle->devices[device].user] = oracle->world->agenda.now_us;
}

void tt_oracle_replaced(struct tt_oracle *oracle, const struct tt_link *link)
{
    if (oracle == NULL)
        return;
    int device = tt_model_device(oracle, &link->user, &link->device);
    if (link->epoch != 0 && link->epoch >= oracle->devices[device].epoch)
        tt_oracle_fail(oracle, "a socket of %.*s/%.*s is replaced, and there is no newer one",
                       NAME(link->user), NAME(link->device));
}

void tt_oracle_cut(struct tt_oracle *oracle, const struct tt_link *link)
{
    const struct session_note *note = link->oracle;
    if (oracle != NULL && note != NULL && note->unlinks == oracle->devices[note->device].unlinks)
        tt_oracle_fail(oracle, "a socket of %.*s/%.*s is cut, which was not unlinked",
                       NAME(link->user), NAME(link->device));
}

void tt_oracle_session_ends(struct tt_oracle *oracle, struct tt_link *link)
{
    const struct session_note *note = link->oracle;
    if (oracle != NULL && note != NULL) {
        oracle->sessions[oracle->devices[note->device].user]--;
        oracle->sessions_us[oracle->devices[note->device].user] = oracle->world->agenda.now_us;
        tt_model_session_ended(oracle, link, note->device);
    }
    tt_free(link->oracle);
    link->oracle = NULL;
}

void tt_oracle_device_says(struct tt_oracle *oracle, struct tt_link *link,
                           const struct tt_client_frame *frame)
{
    if (oracle == NULL)
        return;
    int device = tt_model_device(oracle, &link->user, &link->device);
    int number = tt_model_conversation(oracle, &frame->conversation);
    if (number < 0)
        return;
    struct known_view *view = &oracle->devices[device].views[number];
    if (frame->kind == TT_CLIENT_DELIVERED && frame->seq.n > view->claimed_delivered)
        view->claimed_delivered = frame->seq.n;
    if (frame->kind == TT_CLIENT_READ && frame->seq.n > view->claimed_read)
        view->claimed_read = frame->seq.n;
}

static void update_handed(const struct tt_oracle *oracle, const struct session_note *note,
                          int number, struct session_view *view)
{
    uint64_t position = oracle->conversations[number].positions[note->device];
    if (view->handed < position && !view->started)
        view->handed = position;
    while (was_sent(view, view->handed + 1))
        view->handed++;
}

void tt_oracle_node_hears(struct tt_oracle *oracle, struct tt_link *link,
                          const struct tt_client_frame *frame)
{
    struct session_note *note = link->oracle;
    if (oracle == NULL || note == NULL)
        return;
    int number = tt_model_conversation(oracle, &frame->conversation);
    if (number < 0)
        return;
    if (frame->kind == TT_CLIENT_OPEN || frame->kind == TT_CLIENT_CLOSE)
        memset(note->seen, 0, sizeof(note->seen));
    if (frame->kind == TT_CLIENT_OPEN) {
        note->open = number;
        if (view_of(note, number)->opens++ == 0)
            view_of(note, number)->asked_us = oracle->world->agenda.now_us;
        note->may_be_open |= 1U << number;
        note->since_open = 1U << number;
    }
    if (frame->kind == TT_CLIENT_CLOSE) {
        note->open = note->open == number ? -1 : note->open;
        note->may_be_open &= ~(1U << number);
        note->since_open &= ~(1U << number);
    }
    struct session_view *view = view_of(note, number);
    bool is_ack = frame->kind == TT_CLIENT_DELIVERED || frame->kind == TT_CLIENT_READ;
    if (is_ack && frame->seq.n <= view->last_message && frame->seq.n > view->not_refusable)
        view->not_refusable = frame->seq.n;
}

/* The socket of a device that was unlinked meanwhile is about to be closed. */
static bool is_doomed(const struct tt_oracle *oracle, const struct session_note *note)
{
    return note->unlinks != oracle->devices[note->device].unlinks;
}

static void note_handed(struct tt_oracle *oracle, int device, int number, uint64_t seq)
{
    struct known_view *view = &oracle->devices[device].views[number];
    if (view->ackable < seq)
        view->ackable = seq;
}

static bool is_by_device(const struct tt_link *link, const struct known_conversation *conversation,
                         uint64_t seq)
{
    const struct known_message *known = &conversation->messages[seq - 1];
    return tt_id_eq(&known->sender, &link->user) && tt_id_eq(&known->device, &link->device);
}

static void check_message(struct tt_oracle *oracle, struct tt_link *link, int number,
                          const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    struct session_view *view = view_of(note, number);
    const struct known_conversation *conversation = &oracle->conversations[number];
    const struct tt_message *message = &frame->message;
    uint64_t seq = message->seq.n;
    if (!tt_model_is_true(conversation, message)) {
        tt_oracle_fail(oracle, "promise 1: %.*s is handed %.*s seq %llu, which is not stored so",
                       NAME(link->user), NAME(frame->conversation), NUMBER(seq));
        return;
    }
    const struct known_message *known = &conversation->messages[seq - 1];
    bool is_own = tt_id_eq(&known->sender, &link->user);
    if (is_own ? !tt_id_eq(&known->client_id, &message->client_id)
               : !tt_id_is_none(&message->client_id))
        tt_oracle_fail(oracle, "a message to %.*s carries a wrong client_id", NAME(link->user));
    uint64_t position = conversation->positions[note->device];
    uint64_t next = (view->handed > position ? view->handed : position) + 1;
    while (next < seq && (was_sent(view, next) || is_by_device(link, conversation, next)))
        next++;
    /* What the device sent over HTTP comes to its socket, though its position may be there. */
    bool is_echo = is_by_device(link, conversation, seq);
    bool too_low = view->started ? seq <= view->last_message : seq <= view->at_open && !is_echo;
    if (!is_doomed(oracle, note) && (too_low || seq > next || was_sent(view, seq)))
        tt_oracle_fail(oracle,
                       "promise 6: %.*s/%.*s is handed %.*s seq %llu; last was %llu, handed %llu, "
                       "position %llu (%llu when the socket opened)%s",
                       NAME(link->user), NAME(link->device), NAME(frame->conversation), NUMBER(seq),
                       NUMBER(view->last_message), NUMBER(view->handed), NUMBER(position),
                       NUMBER(view->at_open),
                       was_sent(view, seq) ? "; it was answered with sent" : "");
    view->started = true;
    view->last_message = seq;
    if (view->handed < seq)
        view->handed = seq;
    update_handed(oracle, note, number, view);
    note_handed(oracle, note->device, number, view->handed);
}

static void check_sent(struct tt_oracle *oracle, struct tt_link *link, int number,
                       const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    struct session_view *view = view_of(note, number);
    const struct known_conversation *conversation = &oracle->conversations[number];
    uint64_t seq = frame->message.seq.n;
    bool is_true = seq > 0 && seq <= conversation->message_count;
    if (is_true) {
        const struct known_message *known = &conversation->messages[seq - 1];
        is_true = tt_id_eq(&known->client_id, &frame->client_id) &&
                  tt_id_eq(&known->sender, &link->user) &&
                  known->timestamp.ms == frame->message.timestamp.ms;
    }
    if (!is_true)
        tt_oracle_fail(oracle, "promise 1: %.*s is told that %.*s is %.*s seq %llu; it is not",
                       NAME(link->user), NAME(frame->client_id), NAME(frame->conversation),
                       NUMBER(seq));
    update_handed(oracle, note, number, view);
    if (seq < TT_ORACLE_SEQS_TRACKED)
        view->sent[seq / 8] |= (uint8_t)(1U << (seq % 8));
    update_handed(oracle, note, number, view);
    note_handed(oracle, note->device, number, view->handed);
}

static void check_tick(struct tt_oracle *oracle, const struct tt_link *link, const char *what,
                       tt_seq told, tt_seq truth, tt_seq floor, tt_seq *shown)
{
    if (told.n == 0)
        return;
    if (told.n > truth.n)
        tt_oracle_fail(oracle, "promise 3/4: %.*s is shown %s %llu; the truth is %llu",
                       NAME(link->user), what, NUMBER(told.n), NUMBER(truth.n));
    /* A node that had to forget what it had shown may say it again. */
    bool may_repeat = oracle->world->options.core.streams_kept < TT_LIMIT_STREAMS_KEPT;
    if (told.n < shown->n || told.n < floor.n || (told.n == shown->n && !may_repeat))
        tt_oracle_fail(oracle, "promise 5: %.*s/%.*s is shown %s %llu after %llu", NAME(link->user),
                       NAME(link->device), what, NUMBER(told.n),
                       NUMBER(tt_seq_max(*shown, floor).n));
    *shown = told;
}

static void note_shown(struct tt_oracle *oracle, int device, int number, struct tt_cursor told)
{
    struct tt_cursor *shown = &oracle->devices[device].views[number].shown;
    shown->delivered = tt_seq_max(shown->delivered, told.delivered);
    shown->read = tt_seq_max(shown->read, told.read);
}

static void check_status(struct tt_oracle *oracle, struct tt_link *link, int number,
                         const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    struct session_view *view = view_of(note, number);
    const struct known_conversation *conversation = &oracle->conversations[number];
    int user = oracle->devices[note->device].user;
    struct tt_cursor truth = tt_model_others(conversation, user);
    if (frame->status.delivered.n == 0 && frame->status.read.n == 0)
        tt_oracle_fail(oracle, "%.*s is sent an empty status_update", NAME(link->user));
    if (tt_model_user(oracle, &frame->user) == user)
        tt_oracle_fail(oracle, "promise 4: %.*s is sent his own status_update", NAME(link->user));
    check_tick(oracle, link, "last_delivered_seq", frame->status.delivered, truth.delivered,
               view->floor.delivered, &view->shown.delivered);
    check_tick(oracle, link, "last_read_seq", frame->status.read, truth.read, view->floor.read,
               &view->shown.read);
    note_shown(oracle, note->device, number, frame->status);
    oracle->world->sometimes.tick_of_group += conversation->kind == TT_GROUP;
}

static void check_read_sync(struct tt_oracle *oracle, struct tt_link *link, int number,
                            const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    struct session_view *view = view_of(note, number);
    const struct known_conversation *conversation = &oracle->conversations[number];
    uint64_t truth = conversation->cursors[oracle->devices[note->device].user].read.n;
    if (frame->status.read.n > truth || frame->status.read.n < view->read_shown)
        tt_oracle_fail(oracle, "promise 5: %.*s hears of read %llu; the truth is %llu, told %llu",
                       NAME(link->user), NUMBER(frame->status.read.n), NUMBER(truth),
                       NUMBER(view->read_shown));
    view->read_shown = frame->status.read.n;
    oracle->world->sometimes.read_synced++;
}

/* While a chat stays open, its node forgets nothing that it has shown of anybody. */
static void check_presence(struct tt_oracle *oracle, struct tt_link *link,
                           const struct tt_server_frame *frame, bool is_asked)
{
    struct session_note *note = link->oracle;
    const struct session_view *view =
        view_of(note, tt_model_conversation(oracle, &frame->conversation));
    const struct tt_told told = {
        .viewer = oracle->devices[note->device].user,
        .asked_us = is_asked ? view->asked_us : 0,
        .clock = tt_link_clock(link),
    };
    const struct tt_status *status = &frame->presence.status;
    tt_oracle_check_status(oracle, &frame->user, status, &told);
    if (!is_asked)
        return;
    tt_time *seen = &note->seen[tt_model_user(oracle, &frame->user)];
    tt_model_check_seen(oracle, &frame->user, status, *seen, &told);
    if (!status->online)
        *seen = tt_time_max(*seen, status->last_seen);
}

static void check_screen(struct tt_oracle *oracle, struct tt_link *link, int number,
                         const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    const struct known_device *device = &oracle->devices[note->device];
    if ((note->may_be_open >> number & 1) == 0 && device->views[number].marking == 0)
        tt_oracle_fail(oracle, "promise 10: %.*s/%.*s hears presence or typing in %.*s, unopened",
                       NAME(link->user), NAME(link->device), NAME(frame->conversation));
    int about = tt_model_user(oracle, &frame->user);
    if (about == device->user || !tt_model_is_member(&oracle->conversations[number], about))
        tt_oracle_fail(oracle, "promise 10: %.*s hears of %.*s, who is not with him",
                       NAME(link->user), NAME(frame->user));
    bool is_asked = note->open == number && !device->views[number].marked_by_get;
    if (frame->kind == TT_SERVER_PRESENCE)
        check_presence(oracle, link, frame, is_asked);
    oracle->world->sometimes.typing_shown += frame->kind == TT_SERVER_TYPING;
}

static void check_conversation(struct tt_oracle *oracle, struct tt_link *link, int number,
                               const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    struct session_view *view = view_of(note, number);
    const struct tt_snapshot *snapshot = frame->snapshot;
    view->opens -= view->opens > 0;
    if (note->open == number && view->opens == 0)
        note->may_be_open = note->since_open;
    struct tt_cursor floor = {tt_seq_max(view->shown.delivered, view->floor.delivered),
                              tt_seq_max(view->shown.read, view->floor.read)};
    const struct tt_told told = {
        .viewer = oracle->devices[note->device].user,
        .asked_us = note->open == number ? view->asked_us : 0,
        .clock = tt_link_clock(link),
    };
    tt_oracle_check_snapshot(oracle, note->device, &snapshot->conversation.id, snapshot, floor,
                             &told);
    for (size_t i = 0; i < snapshot->other_count && note->open == number; i++)
        if (!snapshot->others[i].status.online)
            note->seen[tt_model_user(oracle, &snapshot->others[i].user)] =
                snapshot->others[i].status.last_seen;
    view->shown = snapshot->others_min;
    update_handed(oracle, note, number, view);
    note_handed(oracle, note->device, number, view->handed);
}

static void check_error(struct tt_oracle *oracle, struct tt_link *link,
                        const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    const struct known_device *device = &oracle->devices[note->device];
    int number = tt_model_conversation(oracle, &frame->conversation);
    if (number >= 0 && tt_err_is(frame->error.err, TT_ERR_RATE_LIMITED)) {
        note->may_be_open |= 1U << number; /* what was refused may have been a `close` */
        note->since_open |= 1U << number;
    }
    if (number < 0 || !tt_model_is_member(&oracle->conversations[number], device->user)) {
        if (!tt_id_is_none(&frame->conversation) && !tt_model_hides(frame->error.err))
            tt_oracle_fail(oracle, "promise 10: %.*s, who is no member, is told of %.*s: %s",
                           NAME(link->user), NAME(frame->conversation),
                           tt_err_text(frame->error.err));
        return;
    }
    struct session_view *view = view_of(note, number);
    if (tt_err_is(frame->error.err, TT_ERR_UNAVAILABLE) && frame->client_id.size == 0)
        view->opens -= view->opens > 0;
    if (tt_err_is(frame->error.err, TT_ERR_ACK_AHEAD)) {
        if (frame->error.limit.n < view->not_refusable && !is_doomed(oracle, note))
            tt_oracle_fail(oracle, "%.*s/%.*s may ack up to %llu only; it was handed %llu",
                           NAME(link->user), NAME(link->device), NUMBER(frame->error.limit.n),
                           NUMBER(view->not_refusable));
        return;
    }
    bool is_final = tt_err_who(frame->error.err) == TT_ERR_CLIENT &&
                    !tt_err_is(frame->error.err, TT_ERR_RATE_LIMITED);
    if (is_final && device->honest)
        tt_oracle_fail(oracle, "promise 6: a frame of %.*s/%.*s to %.*s is refused: %s",
                       NAME(link->user), NAME(link->device), NAME(frame->conversation),
                       tt_err_text(frame->error.err));
}

/* What it says of others is of some time after the conversation was made, and of what this socket
 * was told already no less; a node that has to forget that may not know. */
static void check_added(struct tt_oracle *oracle, struct tt_link *link, int number,
                        const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    const struct session_view *view = view_of(note, number);
    const struct tt_told told = {
        .viewer = oracle->devices[note->device].user,
        .asked_us = oracle->conversations[number].created_us,
        .clock = tt_link_clock(link),
    };
    struct entry_floor floor = {.head = 0};
    if (oracle->world->options.core.streams_kept >= TT_LIMIT_STREAMS_KEPT) {
        floor.ticks = view->shown;
        floor.head = view->last_message;
    }
    tt_oracle_check_entry(oracle, note->device, frame->entry, &floor, &told);
    oracle->world->sometimes.added_told++;
}

/* Frames that are about no conversation, or about one that the receiver need not be a member of. */
static bool check_plain(struct tt_oracle *oracle, struct tt_link *link,
                        const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    if (frame->kind == TT_SERVER_HELLO) {
        if (note->said_hello || !tt_id_eq(&frame->hello.user, &link->user) ||
            !tt_id_eq(&frame->hello.device, &link->device))
            tt_oracle_fail(oracle, "promise 10: a hello to %.*s is not for it", NAME(link->user));
        oracle->world->sometimes.hello_resumed += frame->hello.resumed;
        oracle->world->sometimes.hello_anew += !frame->hello.resumed;
        note->said_hello = true;
        return true;
    }
    if (!note->said_hello)
        tt_oracle_fail(oracle, "%.*s is sent something before hello", NAME(link->user));
    if (frame->kind == TT_SERVER_CAUGHT_UP) {
        if (note->said_caught_up)
            tt_oracle_fail(oracle, "%.*s is told caught_up twice", NAME(link->user));
        note->said_caught_up = true;
        return true;
    }
    if (frame->kind == TT_SERVER_ERROR) {
        check_error(oracle, link, frame);
        return true;
    }
    return frame->kind == TT_SERVER_PONG;
}

void tt_oracle_node_says(struct tt_oracle *oracle, struct tt_link *link,
                         const struct tt_server_frame *frame)
{
    struct session_note *note = link->oracle;
    if (oracle == NULL || note == NULL || check_plain(oracle, link, frame))
        return;
    const tt_id *id = &frame->conversation;
    if (frame->kind == TT_SERVER_CONVERSATION)
        id = &frame->snapshot->conversation.id;
    if (frame->kind == TT_SERVER_CONVERSATION_ADDED)
        id = &frame->entry->conversation.id;
    int number = tt_model_conversation(oracle, id);
    int user = oracle->devices[note->device].user;
    if (number < 0 || !tt_model_is_member(&oracle->conversations[number], user)) {
        tt_oracle_fail(oracle, "promise 10: %.*s is sent a frame of %.*s, and is no member",
                       NAME(link->user), NAME(*id));
        return;
    }
    if (frame->kind == TT_SERVER_MESSAGE)
        check_message(oracle, link, number, frame);
    else if (frame->kind == TT_SERVER_SENT)
        check_sent(oracle, link, number, frame);
    else if (frame->kind == TT_SERVER_STATUS_UPDATE)
        check_status(oracle, link, number, frame);
    else if (frame->kind == TT_SERVER_READ_SYNC)
        check_read_sync(oracle, link, number, frame);
    else if (frame->kind == TT_SERVER_PRESENCE || frame->kind == TT_SERVER_TYPING)
        check_screen(oracle, link, number, frame);
    else if (frame->kind == TT_SERVER_CONVERSATION)
        check_conversation(oracle, link, number, frame);
    else if (frame->kind == TT_SERVER_CONVERSATION_ADDED)
        check_added(oracle, link, number, frame);
}
