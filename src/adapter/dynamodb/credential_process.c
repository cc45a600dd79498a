#include "adapter/dynamodb/credential_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"

#define PRINTED_MAX ((size_t)64 * 1024)
#define READ_SIZE   4096

struct tt_aws_process {
    pid_t pid;
    int from; /* what it prints; -1: it has printed all */
    bool ended;
    bool well;
    struct tt_buffer printed;
};

static bool spawn(const char *command, int to, pid_t *pid)
{
    char shell[] = "sh";
    char flag[] = "-c";
    struct tt_buffer line = {0};
    tt_buffer_add_text(&line, command);
    tt_buffer_add_byte(&line, '\0');
    char *const words[] = {shell, flag, line.data, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
    bool started = posix_spawnp(pid, shell, &actions, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    tt_buffer_deinit(&line);
    return started;
}

struct tt_aws_process *tt_aws_process_start(const char *command)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    bool started = spawn(command, ends[1], &pid);
    close(ends[1]);
    if (!started || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        close(ends[0]);
        return NULL;
    }
    struct tt_aws_process *process = tt_alloc(sizeof(*process));
    process->pid = pid;
    process->from = ends[0];
    return process;
}

static void read_more(struct tt_aws_process *process)
{
    for (;;) {
        ssize_t got =
            read(process->from, tt_buffer_reserve(&process->printed, READ_SIZE), READ_SIZE);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got > 0)
            tt_buffer_grow_by(&process->printed, (size_t)got);
        if (got > 0 && process->printed.size < PRINTED_MAX)
            continue;
        close(process->from);
        process->from = -1;
        return;
    }
}

enum tt_aws_process_state tt_aws_process_look(struct tt_aws_process *process,
                                              struct tt_slice *printed)
{
    int status;
    if (process->from >= 0)
        read_more(process);
    if (process->from >= 0)
        return TT_AWS_RUNNING;
    if (!process->ended && waitpid(process->pid, &status, WNOHANG) == process->pid) {
        process->ended = true;
        process->well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if (!process->ended)
        return TT_AWS_RUNNING;
    *printed = tt_buffer_slice(&process->printed);
    return process->well ? TT_AWS_PRINTED : TT_AWS_FAILED;
}

void tt_aws_process_destroy(struct tt_aws_process **take_process)
{
    struct tt_aws_process *process = *take_process;
    *take_process = NULL;
    if (process->from >= 0)
        close(process->from);
    if (!process->ended) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    tt_buffer_deinit(&process->printed);
    tt_free(process);
}
