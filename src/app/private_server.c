#include "app/private_server.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY     "listening on "
#define FILES_MAX 16

static int remove_entry(const char *path, const struct stat *stat_now, int kind, struct FTW *ftw)
{
    (void)stat_now;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void run_server(const struct tt_private_server *server, int output, pid_t parent)
{
    const char *arguments[TT_PRIVATE_SERVER_ARGS_MAX + 12] = {
        "twoticks",    "serve",          "--data",      server->data,  "--listen",
        "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-level", "error"};
    size_t count = 10;
    for (size_t i = 0; server->extra != NULL && server->extra[i] != NULL; i++)
        arguments[count++] = server->extra[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    union {
        const char **given;
        char **wanted;
    } argv = {arguments}; /* execv does not write there */
    execv("/proc/self/exe", argv.wanted);
    _exit(127);
}

/* The URL of the line that says the server is ready. */
static bool read_ready(struct tt_private_server *server, int input)
{
    FILE *lines = fdopen(input, "r");
    if (lines == NULL) {
        close(input);
        return false;
    }
    char line[512];
    bool ready = false;
    while (!ready && fgets(line, sizeof(line), lines) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *problem;
        if (strncmp(line, READY, strlen(READY)) == 0)
            ready = tt_endpoint_parse(line + strlen(READY), &server->endpoint, &problem);
    }
    fclose(lines);
    return ready;
}

static bool start(struct tt_private_server *server)
{
    int ends[2];
    if (pipe(ends) != 0) {
        fprintf(stderr, "cannot make a pipe: %s\n", strerror(errno));
        return false;
    }
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid == 0) {
        close(ends[0]);
        run_server(server, ends[1], parent);
    }
    close(ends[1]);
    if (server->pid < 0) {
        fprintf(stderr, "cannot start a server: %s\n", strerror(errno));
        server->pid = 0;
        close(ends[0]);
        return false;
    }
    if (read_ready(server, ends[0]))
        return true;
    fprintf(stderr, "the private server did not start; its words are above\n");
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    return false;
}

bool tt_private_server_open(struct tt_private_server *server, const char *const *extra)
{
    const char *parent = getenv("TMPDIR");
    int size = snprintf(server->data, sizeof(server->data), "%s/twoticks-XXXXXX",
                        parent == NULL ? "/tmp" : parent);
    if (size < 0 || (size_t)size >= sizeof(server->data) || mkdtemp(server->data) == NULL) {
        fprintf(stderr, "cannot make a folder like %s: %s\n", server->data, strerror(errno));
        return false;
    }
    server->extra = extra;
    if (start(server))
        return true;
    nftw(server->data, remove_entry, FILES_MAX, FTW_DEPTH | FTW_PHYS);
    return false;
}

bool tt_private_server_crash(struct tt_private_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    return start(server);
}

bool tt_private_server_close(struct tt_private_server *server)
{
    int status = 1;
    if (server->pid != 0) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, &status, 0);
        server->pid = 0;
    }
    nftw(server->data, remove_entry, FILES_MAX, FTW_DEPTH | FTW_PHYS);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
