/*
 * conversation_json: conversations, messages and people as JSON, in the one form that they have
 * both over HTTP and over the socket.
 */
#ifndef TT_EDGE_CONVERSATION_JSON_H
#define TT_EDGE_CONVERSATION_JSON_H

#include "base/json_writer.h"
#include "model/conversation.h"

/* {"seq":42,"content":"hey","sender":"alice","timestamp":"..."}; `key` as in json_writer.h. */
void tt_put_message(struct tt_json_writer *json, const char *key, const struct tt_message *message);

/* {"online":true} or {"online":false,"last_seen":"..."}; {} if it is unknown. */
void tt_put_status(struct tt_json_writer *json, const char *key, const struct tt_status *status);

/* The same under the key that the first source document gave it: "bob_status". */
void tt_put_peer_status(struct tt_json_writer *json, const tt_id *user,
                        const struct tt_status *status);

/* "direct" or "group" */
const char *tt_conversation_kind_name(enum tt_conversation_kind kind);

/* The keys of GET /conversation/{id}, into an object that is open. */
void tt_put_snapshot_keys(struct tt_json_writer *json, const struct tt_snapshot *snapshot);

/* The keys of a page of it: no people, no cursors. */
void tt_put_page_keys(struct tt_json_writer *json, const struct tt_snapshot *snapshot);

/* The keys of an entry of GET /conversations, into an object that is open. `caller` is whose list
 * it is; none if that is not known, then a direct conversation has no X_status. */
void tt_put_entry_keys(struct tt_json_writer *json, const struct tt_conversation_entry *entry,
                       const tt_id *caller);

/* The same as an object. */
void tt_put_entry(struct tt_json_writer *json, const char *key,
                  const struct tt_conversation_entry *entry, const tt_id *caller);

#endif
