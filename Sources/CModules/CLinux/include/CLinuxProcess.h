#pragma once
// Processes, signals and local sockets: what has to happen between fork and exec is C's alone.
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
