#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

uint64_t clinux_raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  }
  return limit.rlim_cur;
}

int clinux_connect_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct timeval wait = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    int code = errno;
    close(fd);
    errno = code;
    return -1;
  }
  return fd;
}

static void run_child(const char *path, char *const argv[], char *const envp[], const int *fds,
                      int count, int flags, int report) {
  if (flags & CLINUX_SPAWN_SESSION) setsid();
  if (flags & CLINUX_SPAWN_GROUP) setpgid(0, 0);
  // Descriptors are moved out of the way first, so that none is overwritten before it is used.
  int moved[16];
  for (int i = 0; i < count; i++) {
    moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 32);
    if (moved[i] < 0) goto failed;
  }
  int safe = fcntl(report, F_DUPFD_CLOEXEC, 32);
  if (safe < 0) goto failed;
  report = safe;
  for (int i = 0; i < count; i++) {
    if (dup2(moved[i], i) < 0) goto failed;
  }
  for (int number = 1; number < 65; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(path, argv, envp ? envp : environ);
failed:;
  int code = errno;
  ssize_t written = write(report, &code, sizeof(code));
  (void)written;
  _exit(127);
}

int clinux_spawn(const char *path, char *const argv[], char *const envp[], const int *fds,
                 int count, int flags, pid_t *pid) {
  if (count > 16) return EINVAL;
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  // All signals wait while there are two of us: a handler of the parent must not run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t child = fork();
  int code = errno;
  if (child == 0) run_child(path, argv, envp, fds, count, flags, report[1]);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (child < 0) {
    close(report[0]);
    return code;
  }
  int failure = 0;
  ssize_t got;
  do {
    got = read(report[0], &failure, sizeof(failure));
  } while (got < 0 && errno == EINTR);
  close(report[0]);
  if (got == (ssize_t)sizeof(failure)) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    return failure;
  }
  *pid = child;
  return 0;
}

int clinux_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int clinux_next_signal(int fd) {
  struct signalfd_siginfo info;
  ssize_t got;
  do {
    got = read(fd, &info, sizeof(info));
  } while (got < 0 && errno == EINTR);
  return got == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

void clinux_ignore_write_signals(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

pid_t clinux_wait(pid_t pid, int *status, int no_hang) {
  pid_t got;
  do {
    got = waitpid(pid, status, no_hang ? WNOHANG : 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

int clinux_process_descriptor(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_wait_writable(int fd, const int *readable, int count, int milliseconds) {
  struct pollfd entries[9] = {{.fd = fd, .events = POLLOUT}};
  if (count > 8) count = 8;
  for (int i = 0; i < count; i++) {
    entries[i + 1] = (struct pollfd){.fd = readable[i], .events = POLLIN};
  }
  if (poll(entries, (nfds_t)count + 1, milliseconds) <= 0) return 0;
  return entries[0].revents != 0;
}

void clinux_forbid_dumps(void) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
  for (size_t at = 0; at < sizeof(crashes) / sizeof(crashes[0]); at++) {
    signal(crashes[at], SIG_DFL);
  }
}

void clinux_forbid_core_files(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

long clinux_page_size(void) { return sysconf(_SC_PAGESIZE); }

uint32_t clinux_effective_user(void) { return geteuid(); }

int clinux_change_owner(int fd, uint32_t user, uint32_t group) { return fchown(fd, user, group); }

const char *clinux_environment_entry(size_t index) {
  for (size_t at = 0; environ[at] != NULL; at++) {
    if (at == index) return environ[at];
  }
  return NULL;
}

int clinux_set_echo(int fd, int on) {
  static struct termios before;
  if (on) return tcsetattr(fd, TCSANOW, &before) == 0 ? 0 : errno;
  if (tcgetattr(fd, &before) != 0) return errno;
  struct termios silent = before;
  silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
  return tcsetattr(fd, TCSAFLUSH, &silent) == 0 ? 0 : errno;
}

int clinux_act_as(uint32_t user, uint32_t group) {
  if (setegid(group) != 0 || seteuid(user) != 0) return errno;
  // The change of user took every capability out of effect; this one is still permitted to root.
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, sets) != 0) return errno;
  unsigned word = CAP_TO_INDEX(CAP_DAC_READ_SEARCH);
  sets[word].effective |= sets[word].permitted & CAP_TO_MASK(CAP_DAC_READ_SEARCH);
  return syscall(SYS_capset, &header, sets) == 0 ? 0 : errno;
}
