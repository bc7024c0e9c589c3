#pragma once
// Processes, signals and local sockets: what has to happen between fork and exec is C's alone.
#include <stddef.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Raises RLIMIT_NOFILE to its hard limit; returns the limit that holds now.
uint64_t clinux_raise_file_limit(void);

/// Connects to a Unix stream socket, close-on-exec; -1 and errno. Waits 5 s at most.
int clinux_connect_unix(const char *path);

enum { CLINUX_SPAWN_SESSION = 1, CLINUX_SPAWN_GROUP = 2 };

/// Starts `path` (found in PATH when it has no slash) with `fds[i]` as descriptor `i`, signals at
/// their defaults and unblocked. `envp` may be NULL: this process's environment. Returns 0 and the
/// pid, or the errno of what failed, exec included.
int clinux_spawn(const char *path, char *const argv[], char *const envp[], const int *fds,
                 int count, int flags, pid_t *pid);

/// Blocks the signals in this thread and returns a non-blocking signalfd(2) for them, or -1.
int clinux_signal_descriptor(const int *signals, int count);

/// The next signal waiting in a signalfd; 0 when there is none.
int clinux_next_signal(int fd);

/// Ignores SIGPIPE and SIGXFSZ, so that writing reports an error instead of ending the process.
void clinux_ignore_write_signals(void);

/// waitpid(2) of one child: its pid and status, 0 when it still runs (with `no_hang`), -1 on error.
pid_t clinux_wait(pid_t pid, int *status, int no_hang);

/// pidfd_open(2): a descriptor that is readable when the process has ended; -1 where the kernel is
/// old.
int clinux_process_descriptor(pid_t pid);

/// Waits until `fd` takes bytes (1) or one of `readable` has something or the time is up (0).
int clinux_wait_writable(int fd, const int *readable, int count, int milliseconds);

/// PR_SET_DUMPABLE 0: no core dump, no debugger of the same user, /proc/PID/environ and mem are
/// root's alone.
/// Lost at the next exec(2).
void clinux_forbid_dumps(void);

/// RLIMIT_CORE 0, inherited by children.
void clinux_forbid_core_files(void);

/// The `index`th entry of the environment as NAME=value, or NULL past the last.
const char *clinux_environment_entry(size_t index);

/// Switches a terminal's echo off and stores its settings, which the next call with `on` restores.
/// Returns 0, or an errno when `fd` is no terminal. One terminal at a time.
int clinux_set_echo(int fd, int on);

/// PR_SET_DUMPABLE 0: no core dump, no debugger of the same user; /proc/PID/environ and mem are
/// root's alone. Lost at the next exec(2). Crashes end the process at once: Swift's own report of
/// one prints the memory around every register.
void clinux_forbid_dumps(void);

/// RLIMIT_CORE 0, inherited by children.
void clinux_forbid_core_files(void);

/// Bytes of a page of memory.
long clinux_page_size(void);

/// geteuid(2).
uint32_t clinux_effective_user(void);

/// fchown(2).
int clinux_change_owner(int fd, uint32_t user, uint32_t group);

/// Lets root act as another user and group who may read every file; 0 or an errno. Call it before
/// there is a second thread.
int clinux_act_as(uint32_t user, uint32_t group);

/// The `index`th entry of the environment as NAME=value, or NULL past the last.
const char *clinux_environment_entry(size_t index);

/// Switches a terminal's echo off and stores its settings, which the next call with `on` restores.
/// Returns 0, or an errno when `fd` is no terminal. One terminal at a time.
int clinux_set_echo(int fd, int on);
