#pragma once
// What Glibc's Swift overlay hides (GNU extensions, variadic calls) and what needs a CPU
// instruction.
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <time.h>

#include "CLinuxProcess.h"

/// open(2) relative to a directory descriptor; `mode` is used with O_CREAT only.
int clinux_openat(int directory, const char *path, int flags, mode_t mode);

/// When a file was created, in nanoseconds since the epoch; -1 where the file system does not say.
int64_t clinux_birth(int fd);

/// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int fds[2]);

/// F_SETPIPE_SZ; returns the size that the kernel granted, or -1.
int clinux_set_pipe_size(int fd, int bytes);

/// eventfd(2), non-blocking and close-on-exec.
int clinux_eventfd(void);
void clinux_eventfd_ring(int fd);
void clinux_eventfd_clear(int fd);

/// pthread_setname_np for the calling thread; names are cut to 15 bytes.
void clinux_set_thread_name(const char *name);

/// memmem(3) with AVX2 where the CPU has it; `first` and `second` are the places of the two rarest
/// bytes of the needle, below `length`.
const void *clinux_find(const void *bytes, size_t count, const void *needle, size_t length,
                        size_t first, size_t second);

/// memrchr(3).
const void *clinux_memrchr(const void *bytes, int byte, size_t count);

/// getrandom(2); returns 0 or an errno.
int clinux_random(void *bytes, size_t count);

/// prctl(PR_SET_CHILD_SUBREAPER).
int clinux_become_subreaper(void);

/// prctl(PR_SET_PDEATHSIG).
int clinux_die_with_parent(int signal);

/// Lets malloc keep freed blocks of megabytes for the next ones, in at most two arenas.
void clinux_tune_heap(void);

/// malloc_trim(0): returns freed arenas to the kernel, after a burst.
void clinux_trim_heap(void);

/// CRC32C (Castagnoli) of `count` bytes continued from `crc`; SSE 4.2 or ARMv8 where the CPU has
/// it.
uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count);

/// flock(2), whose struct of the same name shadows the function in Swift.
int clinux_flock(int fd, int operation);

/// fcntl(F_SETFD, FD_CLOEXEC on or off).
int clinux_set_cloexec(int fd, int on);

/// fcntl(O_NONBLOCK on or off).
int clinux_set_nonblocking(int fd, int on);

/// TIOCGWINSZ columns of a terminal, or 0.
int clinux_terminal_columns(int fd);

/// TIOCGWINSZ rows of a terminal, or 0.
int clinux_terminal_rows(int fd);

/// Free bytes for unprivileged users, total bytes and file-system magic of the file system of `fd`.
int clinux_file_system(int fd, uint64_t *free_bytes, uint64_t *total_bytes, uint64_t *free_inodes,
                       uint64_t *magic);

/// The wait status macros.
int clinux_exited(int status);
int clinux_exit_code(int status);
int clinux_term_signal(int status);
