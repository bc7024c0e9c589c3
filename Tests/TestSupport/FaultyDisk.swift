import Foundation

/// Makes system calls of a child process fail at chosen moments: a small library that the loader
/// puts in front of the C library's calls.
///
/// A failed fdatasync loses what was written since the last good one, as the kernel's does: it
/// becomes zeros. A failed write leaves half of its bytes.
public final class FaultyDisk {
  /// Built once; nil without a C compiler.
  public static let library: String? = {
    guard let compiler = try? Shell.run("command -v clang || command -v cc || command -v gcc")
    else { return nil }
    let source = folder.write("faults.c", code)
    let target = folder.file("faults.so")
    let tool = compiler.trimmingCharacters(in: .whitespacesAndNewlines)
    guard (try? Shell.run("\(tool) -shared -fPIC -O1 -o \(target) \(source) -ldl")) != nil else {
      return nil
    }
    return target
  }()

  private static let folder = TemporaryDirectory("faults")

  /// The environment in which every `every`th `call` on a file whose path holds `path` fails.
  public static func environment(
    failing call: String,
    on path: String,
    every: Int,
    error: Int32
  ) -> [String: String] {
    [
      "LD_PRELOAD": library ?? "", "FAULT_CALL": call, "FAULT_PATH": path,
      "FAULT_EVERY": String(every), "FAULT_ERROR": String(error),
    ]
  }

  private static let code = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdatomic.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/types.h>
    #include <unistd.h>

    #define FILES 4096
    static atomic_long calls;
    static off_t low[FILES], high[FILES];

    static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
    static ssize_t (*real_pread)(int, void *, size_t, off_t);
    static int (*real_sync)(int);
    static int (*real_datasync)(int);

    __attribute__((constructor)) static void start(void) {
      real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
      real_pread = dlsym(RTLD_NEXT, "pread64");
      real_sync = dlsym(RTLD_NEXT, "fsync");
      real_datasync = dlsym(RTLD_NEXT, "fdatasync");
    }

    static int is_ours(int fd) {
      char link[64], path[4096];
      const char *wanted = getenv("FAULT_PATH");
      if (!wanted) return 0;
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path - 1);
      if (length < 0) return 0;
      path[length] = 0;
      return strstr(path, wanted) != 0;
    }

    static int fails(const char *call, int fd) {
      const char *wanted = getenv("FAULT_CALL"), *every = getenv("FAULT_EVERY");
      if (!wanted || !every || strcmp(wanted, call) || !is_ours(fd)) return 0;
      if (atomic_fetch_add(&calls, 1) % atol(every) != atol(every) - 1) return 0;
      errno = atoi(getenv("FAULT_ERROR"));
      return 1;
    }

    static ssize_t put(int fd, const void *bytes, size_t count, off_t at) {
      if (fd >= 0 && fd < FILES) {
        if (high[fd] == 0 || at < low[fd]) low[fd] = at;
        if (at + (off_t)count > high[fd]) high[fd] = at + count;
      }
      if (fails("write", fd)) {
        int code = errno;
        if (count > 1) real_pwrite(fd, bytes, count / 2, at);
        errno = code;
        return -1;
      }
      return real_pwrite(fd, bytes, count, at);
    }

    static int sync_file(int fd, int (*real)(int)) {
      int known = fd >= 0 && fd < FILES;
      if (fails("sync", fd)) {
        int code = errno;
        static const char zeros[4096];
        for (off_t at = known ? low[fd] : 0; known && at < high[fd]; at += sizeof zeros) {
          size_t left = high[fd] - at;
          real_pwrite(fd, zeros, left < sizeof zeros ? left : sizeof zeros, at);
        }
        if (known) low[fd] = high[fd] = 0;
        errno = code;
        return -1;
      }
      if (known) low[fd] = high[fd] = 0;
      return real(fd);
    }

    ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { return put(fd, b, n, at); }
    ssize_t pwrite64(int fd, const void *b, size_t n, off_t at) { return put(fd, b, n, at); }
    ssize_t pread(int fd, void *b, size_t n, off_t at) {
      return fails("read", fd) ? -1 : real_pread(fd, b, n, at);
    }
    ssize_t pread64(int fd, void *b, size_t n, off_t at) {
      return fails("read", fd) ? -1 : real_pread(fd, b, n, at);
    }
    int fsync(int fd) { return sync_file(fd, real_sync); }
    int fdatasync(int fd) { return sync_file(fd, real_datasync); }
    """#
}
