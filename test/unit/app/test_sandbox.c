#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/sandbox.h"

#define CANNOT_ENTER 77

/* How a child ends that enters the sandbox and then does this. */
static int status_of(int (*action)(void))
{
    pid_t child = fork();
    int status = 0;
    assert_true(child >= 0);
    if (child == 0)
        _exit(tt_sandbox_enter() ? action() : CANNOT_ENTER);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void expect_well(int (*action)(void))
{
    int status = status_of(action);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_killed(int (*action)(void))
{
    int status = status_of(action);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int is_refused(long result)
{
    return result == -1 && (errno == ENOSYS || errno == EPERM) ? 0 : 1;
}

static int run_a_program(void)
{
    char *const arguments[] = {NULL};
    return execve("/bin/true", arguments, arguments);
}

static int trace(void)
{
    return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int leave_the_namespace(void)
{
    return (int)syscall(SYS_unshare, 0x10000000);
}

static int make_a_process(void)
{
    return is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int open_a_packet_socket(void)
{
    return is_refused(socket(AF_PACKET, SOCK_RAW, 0));
}

static int map_to_write_and_run(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return is_refused(page == MAP_FAILED ? -1 : 0);
}

static int make_what_was_written_run(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 2 : is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int kill_another(void)
{
    return is_refused(kill(getppid(), 0));
}

static int use_io_uring(void)
{
    return is_refused(syscall(SYS_io_uring_setup, 1, NULL));
}

static void *nothing(void *context)
{
    return context;
}

static int do_what_a_server_does(void)
{
    pthread_t thread;
    char byte;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    bool fine = fd >= 0 && write(fd, "x", 1) == 1 && read(fd, &byte, 1) == 0 && close(fd) == 0 &&
                listening >= 0 && listen(listening, 1) == 0 &&
                pthread_create(&thread, NULL, nothing, NULL) == 0 &&
                pthread_join(thread, NULL) == 0;
    void *memory = malloc(1 << 24);
    fine = fine && memory != NULL;
    free(memory);
    return fine ? 0 : 1;
}

static void test_what_a_server_needs_works(void **state)
{
    (void)state;
    expect_well(do_what_a_server_does);
}

static void test_what_no_server_does_ends_it(void **state)
{
    (void)state;
    expect_killed(run_a_program);
    expect_killed(trace);
    expect_killed(leave_the_namespace);
}

static void test_what_else_is_not_listed_is_refused(void **state)
{
    (void)state;
    expect_well(make_a_process);
    expect_well(open_a_packet_socket);
    expect_well(map_to_write_and_run);
    expect_well(make_what_was_written_run);
    expect_well(kill_another);
    expect_well(use_io_uring);
}

static void test_a_build_with_sanitizers_has_none(void **state)
{
    (void)state;
    assert_false(tt_sandbox_enter());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_server_needs_works),
        cmocka_unit_test(test_what_no_server_does_ends_it),
        cmocka_unit_test(test_what_else_is_not_listed_is_refused),
    };
    const struct CMUnitTest none[] = {cmocka_unit_test(test_a_build_with_sanitizers_has_none)};
    if (tt_sandbox_is_there())
        return cmocka_run_group_tests(tests, NULL, NULL);
    return cmocka_run_group_tests(none, NULL, NULL);
}
