/*
 * push: what the server is told about push services, and the notifier that comes of it.
 *
 * DIR/apns-token is Apple's trust over a restart (adapter/push/token_file.h).
 * DIR/vapid.pem is the key that browsers' push services know this server by; the first start makes
 * it, unless --vapid-key names another file.
 */
#ifndef TT_APP_PUSH_H
#define TT_APP_PUSH_H

#include "adapter/push/notifier_push.h"
#include "app/config.h"

/* With --check-config a key for Web Push that is not there yet is made, but not written.
 *
 * False: `sentence` says what to do. */
bool tt_push_open(const struct tt_config *config, const struct tt_log *log,
                  struct tt_notifier_push **notifier, char sentence[TT_PUSH_SENTENCE_SIZE]);

#endif
