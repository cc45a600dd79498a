/*
 * limits: every bound of the program, in one place. Each is the default of an option where one is
 * named in docs/protocol.md; the rest are bounds of queues that a client cannot see.
 */
#ifndef TT_BASE_LIMITS_H
#define TT_BASE_LIMITS_H

/* What a client may send. */
#define TT_LIMIT_CONTENT_BYTES   (64 * 1024)  /* of UTF-8, decoded */
#define TT_LIMIT_FRAME_BYTES     (512 * 1024) /* of one WebSocket message */
#define TT_LIMIT_HEADER_BYTES    (16 * 1024)  /* of one HTTP request's head */
#define TT_LIMIT_BODY_BYTES      (512 * 1024) /* of one HTTP request's body */
#define TT_LIMIT_TOKEN_BYTES     (8 * 1024)
#define TT_LIMIT_TITLE_BYTES     1024 /* of a title or a display name, as JSON text */
#define TT_LIMIT_SENDS_PER_S     100  /* of a device; bursts of five times that */
#define TT_LIMIT_FRAMES_PER_S    400
#define TT_LIMIT_ABUSE_MS        10000 /* who goes on past a limit for so long is cut with 4429 */
#define TT_LIMIT_MEMBERS         1024
#define TT_LIMIT_CONVERSATIONS   10000 /* of a user */
#define TT_LIMIT_DEVICES         16    /* of a user */
#define TT_LIMIT_DEVICE_SILENT_S (30 * 24 * 3600)
#define TT_LIMIT_PAGE            200 /* messages of a page, conversations of a list */
#define TT_PAGE_DEFAULT          50

/* How long things may take. */
#define TT_HEADER_MS        10000
#define TT_REQUEST_MS       30000
#define TT_HEARTBEAT_MS     25000 /* from the last sign of life to the next ping */
#define TT_PONG_MS          10000 /* from a ping to the answer that must have come */
#define TT_PUSH_DELAY_MS    3000
#define TT_OFFLINE_GRACE_MS 2000  /* hides a reconnect */
#define TT_OPEN_WAIT_MS     200   /* for the socket's node to hear what a GET handed out */
#define TT_REFRESH_MS_MIN   30000 /* of an open chat, at random between the two */
#define TT_REFRESH_MS_MAX   60000
#define TT_REASSERT_MS      30000 /* a registry in other processes may forget somebody */
#define TT_ALIVE_MS         3000

/* What one session or node may hold. */
#define TT_LIMIT_SENDS_QUEUED       1024   /* sends of a session that wait for the store */
#define TT_LIMIT_SENT_AHEAD         1024   /* own messages stored before the stream came there */
#define TT_LIMIT_STREAMS_KEPT       32     /* caught-up conversations that a session remembers */
#define TT_LIMIT_CONVERSATIONS_KEPT 65536  /* cached by a node */
#define TT_LIMIT_REQUESTS           65536  /* under way on a node */
#define TT_LIMIT_PUSH_TIMERS        262144 /* armed on a node */
#define TT_LIMIT_UNRUNG             8192   /* of them found in the pending rows */
#define TT_LIMIT_UNDRAINED_BYTES    (128 * 1024)  /* handed to a socket before it must drain */
#define TT_LIMIT_SLOW_BYTES         (1024 * 1024) /* then 4413 */
#define TT_LIMIT_OPENS              4             /* `open` frames of a socket under way */
#define TT_OPENS_PAUSE_MS           500           /* for who has sent more */
#define TT_REPLAY_COUNT             128           /* messages of one replay read */
#define TT_REPLAY_BYTES             (64 * 1024)
#define TT_PENDING_COUNT            100                /* pending rows of one read */
#define TT_LIMIT_HAPPENINGS         1000               /* of one timeline answer */
#define TT_LIMIT_HINT_QUEUE_BYTES   (64 * 1024 * 1024) /* to one node */

#endif
