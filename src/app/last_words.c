#include "app/last_words.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const char words[] =
    "twoticks: the check above has failed, so the program ends. Everything acknowledged is there: "
    "see that the disk works and has room and that there is memory, and start again; if it comes "
    "back, run `twoticks verify`\n";

/* Only what may be called from a signal's handler. When it returns, abort() ends the process. */
static void on_abort(int number)
{
    (void)number;
    (void)!write(STDERR_FILENO, words, sizeof(words) - 1);
}

void tt_last_words_prepare(void)
{
    struct sigaction action = {.sa_handler = on_abort};
    sigemptyset(&action.sa_mask);
    sigaction(SIGABRT, &action, NULL);
}
