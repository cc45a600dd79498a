/*
 * script: what Redis carries out for the registry, in Lua. ARGV[1] is the op, the rest its words.
 * The text is in two parts, one behind the other:
 * what all ops share, and the ops.
 */
#ifndef TT_ADAPTER_REDIS_SCRIPT_H
#define TT_ADAPTER_REDIS_SCRIPT_H

extern const char tt_redis_script_shared[];
extern const char tt_redis_script_ops[];

#endif
