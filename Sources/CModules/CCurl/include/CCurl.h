#pragma once
// libcurl for one job: POST a body, many at once on one thread. The library is loaded on first use,
// so that a process that forwards nothing never maps it (6.6 ms and 32 shared libraries at every
// start).
#include <stddef.h>
#include <stdint.h>

typedef struct ccurl_multi ccurl_multi;
typedef struct ccurl_transfer ccurl_transfer;

typedef struct {
  /// http:// is allowed beside https://.
  int allow_plaintext;
  long connect_timeout_ms;
  /// From the first byte sent to the last byte received.
  long total_timeout_ms;
  size_t response_bytes_max;
  size_t header_bytes_max;
} ccurl_settings;

/// How a transfer ended, when it did not end with a response.
typedef enum {
  CCURL_OK = 0,
  CCURL_CONNECT_FAILED = 1,
  CCURL_RESET = 2,
  CCURL_TLS = 3,
  CCURL_TIMEOUT = 4,
  CCURL_TOO_LARGE = 5,
  CCURL_OTHER = 6
} ccurl_outcome;

/// Null when libcurl cannot be loaded. `authorities` is a file of certificate authorities to trust;
/// null: the system's.
ccurl_multi *ccurl_multi_create(const char *authorities);
void ccurl_multi_free(ccurl_multi *multi);

/// Starts a POST. `body` must stay where it is until the transfer is released; `headers` are
/// copied.
ccurl_transfer *ccurl_start(ccurl_multi *multi, const char *url, const char *const *headers,
                            size_t header_count, const uint8_t *body, size_t body_bytes,
                            const ccurl_settings *settings, uint64_t token);

/// Moves all transfers on and waits for them, for one of `fds` to become readable, or for the time.
void ccurl_wait(ccurl_multi *multi, const int *fds, size_t fd_count, int timeout_ms);

/// A transfer that has ended, or null. To be released.
ccurl_transfer *ccurl_next_ended(ccurl_multi *multi);

uint64_t ccurl_token(const ccurl_transfer *transfer);
ccurl_outcome ccurl_transfer_outcome(const ccurl_transfer *transfer);
/// libcurl's words for the outcome; never the response's.
const char *ccurl_reason(const ccurl_transfer *transfer);
long ccurl_status(const ccurl_transfer *transfer);
const uint8_t *ccurl_body(const ccurl_transfer *transfer, size_t *count);
/// All header lines of the response, CR LF between them.
const uint8_t *ccurl_headers(const ccurl_transfer *transfer, size_t *count);

/// Ends the transfer if it is not ended, and frees it.
void ccurl_release(ccurl_multi *multi, ccurl_transfer *transfer);
