/*
 * servers: which incarnation of which server is alive, as the table `servers` shows it, and what
 * that means for a user who was connected to one that is not.
 */
#ifndef TT_ADAPTER_DYNAMODB_SERVERS_H
#define TT_ADAPTER_DYNAMODB_SERVERS_H

#include "adapter/dynamodb/user_row.h"
#include "adapter/dynamodb/work.h"

/*
 * Whoever was connected to a server that has died is not: his device left when that server was last
 * known to be alive (or when it connected, if later), which becomes his last seen if no other
 * device of his is connected. Changes the rows in memory; whoever writes one next makes it last.
 */
TT_MUST_CHECK tt_err tt_ddb_bury(struct tt_ddb_work *work, struct tt_ddb_user *users, size_t count);

/* Of each node, as "ws_server_3.17.0", whether its server will do nothing more. In doubt it is
 * taken for dead sooner than by tt_ddb_bury: what follows from it does no harm to the living. */
TT_MUST_CHECK tt_err tt_ddb_find_dead(struct tt_ddb_work *work, const struct tt_slice *nodes,
                                      size_t count, bool *dead);

#endif
