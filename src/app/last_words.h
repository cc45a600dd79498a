/*
 * last_words: what the program says when it aborts.
 *
 * A failed check of our own says which one it was; one of a library's (RocksDB checks much when a
 * disk fails under it, C++ when memory ends) is Greek to an operator. After either, one sentence
 * says what it means for the data and what to do. Then the process ends as it would have.
 */
#ifndef TT_APP_LAST_WORDS_H
#define TT_APP_LAST_WORDS_H

/* Once, before any thread is started. */
void tt_last_words_prepare(void);

#endif
