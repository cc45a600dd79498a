#include "app/sandbox.h"

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif

/* Sanitizers trace their own process at its end. */
#if defined(TT_HAS_SECCOMP) && !defined(IS_SANITIZED)

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Names that an architecture does not have are left out. */
static const char *const allowed[] = {
    /* memory */
    "brk",
    "madvise",
    "mremap",
    "munmap",
    "membarrier",
    "mincore",
    "msync",
    /* threads and time */
    "arch_prctl",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "exit",
    "exit_group",
    "futex",
    "futex_time64",
    "clock_gettime64",
    "clock_nanosleep_time64",
    "get_robust_list",
    "getcpu",
    "getpid",
    "getpriority",
    "gettid",
    "gettimeofday",
    "ioprio_get",
    "ioprio_set",
    "nanosleep",
    "prctl",
    "restart_syscall",
    "rseq",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_setaffinity",
    "sched_setscheduler",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "setpriority",
    "tgkill",
    "time",
    /* signals */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sigaltstack",
    /* who and where */
    "getegid",
    "geteuid",
    "getgid",
    "getrandom",
    "getrlimit",
    "getrusage",
    "getuid",
    "prlimit64",
    "setrlimit",
    "sysinfo",
    "times",
    "umask",
    "uname",
    /* files */
    "access",
    "chmod",
    "close",
    "copy_file_range",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchown",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "getcwd",
    "getdents64",
    "link",
    "linkat",
    "lseek",
    "lstat",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "open",
    "openat",
    "pipe",
    "pipe2",
    "pread64",
    "preadv",
    "pwrite64",
    "pwritev",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "stat",
    "statfs",
    "statx",
    "sync_file_range",
    "truncate",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
    "ioctl",
    /* the network */
    "accept",
    "accept4",
    "bind",
    "connect",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd2",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "poll",
    "ppoll",
    "pselect6",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "select",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socketpair",
};

/* Nobody but somebody who took the server over would try. */
static const char *const deadly[] = {
    "acct",
    "add_key",
    "bpf",
    "chroot",
    "delete_module",
    "execve",
    "execveat",
    "finit_module",
    "fork",
    "fsmount",
    "fsopen",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "mount",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "clock_settime",
    "swapoff",
    "swapon",
    "umount2",
    "unshare",
    "userfaultfd",
    "vfork",
};

static bool add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number == __NR_SCMP_ERROR)
            continue;
        int error = seccomp_rule_add(filter, action, number, 0);
        if (error != 0 && error != -EDOM) /* EDOM: not on this architecture */
            return false;
    }
    return true;
}

/* Sockets of the kinds that a server has; a route socket is how names are looked up. */
static bool add_sockets(scmp_filter_ctx filter)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    for (size_t i = 0; i < COUNT(families); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i])) != 0)
            return false;
    return true;
}

/* New threads but no new processes: of clone3 a filter cannot see which, and without it the C
 * library takes clone. And no memory that could be written first and run afterwards. */
static bool add_limited(scmp_filter_ctx filter)
{
    const scmp_datum_t write_and_run = PROT_WRITE | PROT_EXEC;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, write_and_run, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, write_and_run, PROT_WRITE)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, write_and_run, PROT_EXEC)) == 0;
}

bool tt_sandbox_is_there(void)
{
    return true;
}

bool tt_sandbox_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return false;
    bool entered = add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed)) &&
                   add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly)) &&
                   add_sockets(filter) && add_limited(filter) &&
                   seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
                   seccomp_load(filter) == 0;
    seccomp_release(filter);
    return entered;
}

#else

bool tt_sandbox_is_there(void)
{
    return false;
}

bool tt_sandbox_enter(void)
{
    return false;
}

#endif
