/*
 * store: where messages, cursors and everything that must survive lives.
 *
 * A port belongs to one node. `submit` takes ops of one loop turn as one batch and never blocks;
 * each of them is completed exactly once, through the sink, never from within it. Completions may
 * come from any thread (the sink sees to it) and in any order, except: ops of one submit or of
 * successive submits of the same node that change the same conversation take effect in the order
 * given where `keeps_order` is set.
 *
 * Rules that hold for every adapter (test/contract/store checks them):
 *
 * - An op that changes something completes with OK only when the change is on stable storage.
 * - An error other than UNAVAILABLE changed nothing. UNAVAILABLE: nobody knows; asking again finds
 *   out, because every op is idempotent.
 * - A read sees everything that was completed before it was submitted (a consistent read).
 *
 * `answer`, where there is one, is for the node's own thread, and completes an op that only looks
 * at once, if all that it looks at is at hand: true, and the op has its outcome, without the sink.
 * It never waits. False: the op is to be submitted, and what its answer says counts for nothing.
 *
 * LINK_DEVICE: links the device if it is not, and gives the connection its epoch, larger than any
 *   before for this device, ever. First unlinks devices of the user that were silent (not connected
 *   and not active) for longer than silent_ms_max, the asking one too. A device linked now gets
 *   `devices[d] = last_delivered` in every conversation of the user (absent = 0), and a pending row
 *   where the head is beyond that and there is none (own messages, which armed nobody), moves
 *   nobody's tick and answers resumed = false. Marks the device connected (a CONNECTED happening).
 *   TOO_MANY_DEVICES changes nothing and names the linked ones. With a `login`: UNAUTHENTICATED,
 *   and nothing changes, unless CHECK_LOGIN would be OK.
 * UNLINK_DEVICE: removes the device, its positions, its push address and its login; what no other
 *   device still waits for is no longer pending. Cursors of the user stay. A connected device is
 *   disconnected by it. NOT_FOUND if there is none of them.
 * LIST_DEVICES: the linked ones; `leaving_too`: and those whose unlinking takes several steps, has
 *   begun and was not finished. UNLINK_DEVICE finishes it.
 * DISCONNECT: marks the device as no longer connected, unless its epoch is not `epoch`
 *   (was_current = false). The last connected one leaves `at` as the user's last seen, which never
 *   goes back.
 * ALIVE: notes that this process was alive at `at`. After a crash, everyone who was connected gets
 *   the last such time (or their connecting, if later) as last seen, before the first op is served.
 *   While nobody is connected there is nothing to write.
 * CREATE_CONVERSATION: creates it with no messages, in the lists of all members. If the id stands:
 *   same kind and members, asked for by a member: OK with created = false and the standing one;
 *   else CONFLICT. But first: a second direct conversation of a pair is created = false and the
 *   first one, whatever id was proposed. TOO_MANY_CONVERSATIONS if a member is full. DISK_LOW
 *   creates nothing. BAD_MEMBERS if they are not sorted and different.
 * GET_CONVERSATION: NOT_FOUND. (Not a membership check; the core does that.)
 * APPEND: NOT_FOUND unless the sender is a member. If (conversation, sender, client_id) was stored
 *   before: OK, duplicate, with the first one's seq and timestamp, and nothing changes. Else the
 *   message gets seq head + 1. Pending rows are armed with it for every other member, and for the
 *   sender when he has another linked device than the sending one. The sending device's delivered
 *   position moves to seq if it stood at seq - 1, and so does the sender's read cursor (and with
 *   it delivered, so that read <= delivered); a device position that moves may carry the user's
 *   delivered cursor up to it (it is their maximum). No step is kept of that: it passes over only
 *   the own message. DISK_LOW stores nothing. `none_rings`: no other member has a push address on a
 *   device that is not connected, so that nothing rings at once; who does not know says false.
 * ADVANCE: moves the device's position, and the user's delivered and read cursor, forward to `to`;
 *   what does not go forward stays, without an error. Of a device that was linked at another time
 *   than `linked_at` nothing moves, and its position is answered as 0: the link that acked is over,
 *   and what it held is gone. read implies delivered. ACK_AHEAD beyond the
 *   head changes nothing. NOT_FOUND unless a member. Each step of a user's cursor is kept with its
 *   time. Removes the pending row when it is armed no further than the head and every linked device
 *   (or, with none, the user's cursor) has reached the head; `settled` says that it is gone. Who
 *   does not know says false. `members` names all of them, as they stand after the advance; only if
 *   it changes for none of the others what is the least of everybody but himself, and the caller
 *   does not say `wants_members`, it may name none.
 * READ_MESSAGES: ascending from `from`, gapless; none if from > head or count_max is 0. NOT_FOUND:
 *   no conversation.
 * SNAPSHOT: NOT_FOUND unless the user is a member. Messages from max(1, the user's read cursor) on,
 *   at most count_max; if fewer, filled up with older ones from the front. count_max 0: none.
 * POSITIONS: of all linked devices, each with its link; a device without an entry stands at 0.
 *   NOT_FOUND unless a member.
 * LIST_PENDING: the user's rows after `after` by conversation id, at most count_max, and whether
 *   the device is unlinked, or linked by another link than `linked_at`: the rows' device_delivered
 *   are that one's then.
 * MARK_PUSHED: pushed_seq = max(pushed_seq, seq), if the row is there.
 * LIST_CONVERSATIONS: newest activity (last message, else creation) first. changed_since: those
 *   with a message, a cursor step or the creation at that time or after it: something else may
 *   happen in the millisecond of what is known. A bad cursor: BAD_QUERY.
 * GET_USERS: unknown users have the default settings and last_seen 0.
 * PUT_USER: sets what is marked; answers all.
 * MUTE: NOT_FOUND unless a member.
 * HISTORY: STORED, DELIVERED and READ about messages from..to (a step counts if it passes over one
 *   of them), CONNECTED and DISCONNECTED of the members since the first of these messages (or
 *   `since`) unless `messages_only`, and pushes about them. NOT_FOUND: no conversation.
 *
 * PUT_PUSH_ADDRESS: the device can be made to ring there from now on, and nowhere else; it need not
 *   be linked yet. Where the same token of the same provider stands under another device, of any
 *   user, it is removed: a phone rings for one. TOO_MANY_ADDRESSES if address_count_max other
 *   devices of the user have an address. UNLINK_DEVICE removes it.
 *
 * DROP_PUSH_ADDRESS: removes the device's address if it is still this one, and was not registered
 *   after dead_since.
 *
 * LIST_PUSH_ADDRESSES: the user's, linked or not.
 *
 * RECORD_PUSH: keeps the happening, about the message from == to. NOT_FOUND: no conversation.
 *
 * LIST_UNRUNG: the pending rows of all users with pushed < armed, armed no further than the head;
 *   where many servers share the store, those that nobody else will ring for.
 *
 * PUT_ACCOUNT: tt_account_apply on what stands. A creation by a stranger is CONFLICT also where the
 *   user has ever had a linked device: the name belongs to somebody with other tokens.
 *
 * GET_ACCOUNT: NOT_FOUND.
 *
 * LIST_ACCOUNTS: all, a page at a time, without their passwords.
 *
 * LOG_IN: tt_account_log_in. NOT_FOUND unless the account stands, is not disabled and its password
 *   still is the one that was checked.
 *
 * CHECK_LOGIN: UNAUTHENTICATED unless the device's login is this one.
 */
#ifndef TT_PORT_STORE_H
#define TT_PORT_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/store_op.h"

struct tt_store_sink {
    void *context;
    void (*done)(void *context, struct tt_store_op *op); /* gives the op back */
};

struct tt_store_port {
    void *self;
    bool keeps_order;
    void (*submit)(void *self, struct tt_store_op *const *ops, size_t count); /* takes the ops */
    bool (*answer)(void *self, struct tt_store_op *op); /* NULL: all ops are submitted */
};

#endif
