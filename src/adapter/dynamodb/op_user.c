#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/servers.h"

static tt_err get_users(struct tt_ddb_work *work)
{
    struct tt_get_users *get = &work->op->get_users;
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, get->id_count, sizeof(struct tt_ddb_request *));
    for (size_t i = 0; i < get->id_count; i++)
        requests[i] = tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(&get->ids[i]),
                                 (struct tt_ddb_value){.kind = TT_DDB_NONE});
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, get->id_count);
    struct tt_ddb_user *rows = tt_arena_array(&work->arena, get->id_count, sizeof(*rows));
    for (size_t i = 0; i < get->id_count; i++) {
        struct tt_json nothing = {.kind = TT_JSON_ABSENT};
        TT_TRY(tt_ddb_known(&answers[i]));
        rows[i] = tt_ddb_user_read(answers[i].item_count > 0 ? answers[i].items[0] : nothing,
                                   &get->ids[i], &work->arena);
    }
    TT_TRY(tt_ddb_bury(work, rows, get->id_count));
    struct tt_user *users = tt_arena_array(&work->op->arena, get->id_count, sizeof(*users));
    for (size_t i = 0; i < get->id_count; i++) {
        users[i] = (struct tt_user){get->ids[i], rows[i].settings, rows[i].last_seen};
        users[i].settings.display_name =
            tt_arena_copy(&work->op->arena, rows[i].settings.display_name);
    }
    get->users = users;
    return TT_OK;
}

void tt_ddb_get_users(struct tt_ddb_work *work)
{
    work->op->err = get_users(work);
}

static tt_err put_user(struct tt_ddb_work *work)
{
    struct tt_put_user *put = &work->op->put_user;
    struct tt_ddb_user user;
    for (bool stands = false; !stands;) {
        TT_TRY(tt_ddb_user_of(work, &put->user, &user));
        if (put->set_display_name)
            user.settings.display_name = put->settings.display_name;
        if (put->set_share_last_seen)
            user.settings.share_last_seen = put->settings.share_last_seen;
        if (put->set_push_preview)
            user.settings.push_preview = put->settings.push_preview;
        TT_TRY(tt_ddb_swap_user(work, &user, &stands));
    }
    put->settings = user.settings;
    put->settings.display_name = tt_arena_copy(&work->op->arena, user.settings.display_name);
    return TT_OK;
}

void tt_ddb_put_user(struct tt_ddb_work *work)
{
    work->op->err = put_user(work);
}
