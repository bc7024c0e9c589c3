#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags, mode);
}

int64_t clinux_birth(int fd) {
  struct statx status;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0) return -1;
  if (!(status.stx_mask & STATX_BTIME)) return -1;
  return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

int clinux_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }

int clinux_set_pipe_size(int fd, int bytes) { return fcntl(fd, F_SETPIPE_SZ, bytes); }

int clinux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void clinux_eventfd_ring(int fd) { eventfd_write(fd, 1); }

void clinux_eventfd_clear(int fd) {
  eventfd_t value;
  eventfd_read(fd, &value);
}

void clinux_set_thread_name(const char *name) {
  char shortened[16] = {0};
  strncpy(shortened, name, sizeof(shortened) - 1);
  pthread_setname_np(pthread_self(), shortened);
}

const void *clinux_memrchr(const void *bytes, int byte, size_t count) {
  return memrchr(bytes, byte, count);
}

int clinux_random(void *bytes, size_t count) {
  unsigned char *cursor = bytes;
  while (count > 0) {
    ssize_t got = getrandom(cursor, count, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    cursor += got;
    count -= (size_t)got;
  }
  return 0;
}

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

void clinux_tune_heap(void) {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 48 << 20);
  mallopt(M_ARENA_MAX, 2);
}

void clinux_trim_heap(void) { malloc_trim(0); }

int clinux_flock(int fd, int operation) { return flock(fd, operation); }

int clinux_set_cloexec(int fd, int on) { return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); }

int clinux_set_nonblocking(int fd, int on) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int clinux_terminal_columns(int fd) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

int clinux_terminal_rows(int fd) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_row;
}

int clinux_file_system(int fd, uint64_t *free_bytes, uint64_t *total_bytes, uint64_t *free_inodes,
                       uint64_t *magic) {
  struct statfs status;
  if (fstatfs(fd, &status) != 0) return -1;
  *free_bytes = (uint64_t)status.f_bavail * (uint64_t)status.f_bsize;
  *total_bytes = (uint64_t)status.f_blocks * (uint64_t)status.f_bsize;
  *free_inodes = (uint64_t)status.f_ffree;
  *magic = (uint64_t)status.f_type;
  return 0;
}

int clinux_exited(int status) { return WIFEXITED(status); }
int clinux_exit_code(int status) { return WEXITSTATUS(status); }
int clinux_term_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

// CRC32C, one table for CPUs without the instruction; the check value of "123456789" is e3069283.
static uint32_t crc32c_table[256];
static pthread_once_t crc32c_once = PTHREAD_ONCE_INIT;

static void crc32c_fill_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (0x82F63B78u & (0u - (value & 1)));
    crc32c_table[i] = value;
  }
}

static uint32_t crc32c_software(uint32_t crc, const unsigned char *bytes, size_t count) {
  pthread_once(&crc32c_once, crc32c_fill_table);
  while (count--) crc = (crc >> 8) ^ crc32c_table[(crc ^ *bytes++) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc,
                                                                  const unsigned char *bytes,
                                                                  size_t count) {
  uint64_t wide = crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes += 8;
    count -= 8;
  }
  crc = (uint32_t)wide;
  while (count--) crc = __builtin_ia32_crc32qi(crc, *bytes++);
  return crc;
}
static int has_hardware(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
static uint32_t crc32c_hardware(uint32_t crc, const unsigned char *bytes, size_t count) {
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    crc = __crc32cd(crc, word);
    bytes += 8;
    count -= 8;
  }
  while (count--) crc = __crc32cb(crc, *bytes++);
  return crc;
}
static int has_hardware(void) { return 1; }
#else
static uint32_t crc32c_hardware(uint32_t crc, const unsigned char *bytes, size_t count) {
  return crc32c_software(crc, bytes, count);
}
static int has_hardware(void) { return 0; }
#endif

uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count) {
  crc = ~crc;
  crc = has_hardware() ? crc32c_hardware(crc, bytes, count) : crc32c_software(crc, bytes, count);
  return ~crc;
}
