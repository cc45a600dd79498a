#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/last_words.h"
#include "app/option.h"
#include "app/version.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"serve", tt_command_serve, "start the server"},
    {"store", tt_command_store, "make the tables of the scale-out mode"},
    {"token", tt_command_token, "print a token for a user"},
    {"user", tt_command_user, "the built-in accounts"},
    {"chat", tt_command_chat, "chat in this terminal"},
    {"timeline", tt_command_timeline, "what happened to messages, and when"},
    {"why", tt_command_why, "why a message's tick is what it is"},
    {"push", tt_command_push, "try whether a phone can be made to ring"},
    {"drill", tt_command_drill, "play three days without a phone, and check every tick"},
    {"doctor", tt_command_doctor, "what of this machine will make trouble, and what to type"},
    {"backup", tt_command_backup, "copy everything, also from a running server"},
    {"restore", tt_command_restore, "make a data folder from a backup"},
    {"move", tt_command_move, "move everything into DynamoDB, or back"},
    {"verify", tt_command_verify, "check every promise that the stored data can show"},
    {"bench", tt_command_bench, "measure messages per second"},
    {"version", tt_command_version, "print the version"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fprintf(out, "usage: twoticks COMMAND [options]\n\n"
                 "A messaging server whose ticks are true: one when a message is stored, two when\n"
                 "it is on the other phone, blue when it was read.\n\nCommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nStart with:\n"
                 "  twoticks serve --data ./data\n"
                 "  twoticks chat --as alice --with bob --data ./data    # in two more terminals\n"
                 "  twoticks chat --as bob --with alice --data ./data\n\n"
                 "`twoticks COMMAND --help` explains each.\n");
}

int tt_command_version(int argc, char **argv)
{
    static const struct tt_command_spec spec = {
        .name = "version",
        .usage = "twoticks version",
        .about = "Prints the program's version, MAJOR.MINOR.PATCH. Clients speak version 1 of the\n"
                 "protocol with every 0.x and 1.x.",
        .examples = "  twoticks version",
    };
    char none;
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &none, &positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome == TT_OPTIONS_READ)
        printf("twoticks %s\n", TT_VERSION);
    return outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
}

/* A stream that was closed before the start leaves its number to whatever is opened first: then a
 * line of the log would be written into a loop's own descriptor, or into the store. */
static bool open_closed_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR | O_NOCTTY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!open_closed_streams())
        return TT_EXIT_FAIL;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond ulimit -f fails like one on a full disk */
    tt_last_words_prepare();
    if (argc < 2) {
        print_usage(stderr);
        return TT_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return TT_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    fprintf(stderr, "twoticks: there is no command \"%s\"; `twoticks --help` lists them\n", name);
    return TT_EXIT_USAGE;
}
