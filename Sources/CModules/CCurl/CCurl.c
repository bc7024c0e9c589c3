#include "CCurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
  CURLcode (*global_init)(long);
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  const char *(*easy_strerror)(CURLcode);
  CURLM *(*multi_init)(void);
  CURLMcode (*multi_cleanup)(CURLM *);
  CURLMcode (*multi_add_handle)(CURLM *, CURL *);
  CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
  CURLMcode (*multi_perform)(CURLM *, int *);
  CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned int, int, int *);
  CURLMsg *(*multi_info_read)(CURLM *, int *);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
  int loaded;
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
#define LOAD(field, name) \
  if (!(*(void **)(&curl.field) = dlsym(library, name))) return;
  LOAD(global_init, "curl_global_init")
  LOAD(easy_init, "curl_easy_init")
  LOAD(easy_cleanup, "curl_easy_cleanup")
  LOAD(easy_setopt, "curl_easy_setopt")
  LOAD(easy_getinfo, "curl_easy_getinfo")
  LOAD(easy_strerror, "curl_easy_strerror")
  LOAD(multi_init, "curl_multi_init")
  LOAD(multi_cleanup, "curl_multi_cleanup")
  LOAD(multi_add_handle, "curl_multi_add_handle")
  LOAD(multi_remove_handle, "curl_multi_remove_handle")
  LOAD(multi_perform, "curl_multi_perform")
  LOAD(multi_poll, "curl_multi_poll")
  LOAD(multi_info_read, "curl_multi_info_read")
  LOAD(slist_append, "curl_slist_append")
  LOAD(slist_free_all, "curl_slist_free_all")
#undef LOAD
  if (curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) curl.loaded = 1;
}

struct ccurl_multi {
  CURLM *handle;
  /// Transfers that were started and whose end nobody has been told yet.
  int open;
  char *authorities;
};

struct buffer {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  size_t limit;
};

struct ccurl_transfer {
  CURL *handle;
  struct curl_slist *headers;
  struct buffer response;
  struct buffer response_headers;
  uint64_t token;
  CURLcode code;
  int ended;
  int too_large;
  int added;
};

// libcurl's own max-filesize does not bound a chunked response (7.88.1 took 268 MB under a limit of
// 1 MB).
static size_t keep(struct buffer *buffer, const void *bytes, size_t count, int *too_large) {
  if (count > buffer->limit - buffer->count) {
    *too_large = 1;
    return 0;
  }
  if (buffer->count + count > buffer->capacity) {
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 1024;
    while (capacity < buffer->count + count) capacity *= 2;
    uint8_t *larger = realloc(buffer->bytes, capacity);
    if (!larger) return 0;
    buffer->bytes = larger;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->count, bytes, count);
  buffer->count += count;
  return count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  ccurl_transfer *transfer = context;
  return keep(&transfer->response, bytes, size * count, &transfer->too_large);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
  ccurl_transfer *transfer = context;
  return keep(&transfer->response_headers, bytes, size * count, &transfer->too_large);
}

ccurl_multi *ccurl_multi_create(const char *authorities) {
  pthread_once(&once, load);
  if (!curl.loaded) return NULL;
  ccurl_multi *multi = calloc(1, sizeof(*multi));
  if (!multi) return NULL;
  if (authorities) multi->authorities = strdup(authorities);
  multi->handle = curl.multi_init();
  if (!multi->handle || (authorities && !multi->authorities)) {
    ccurl_multi_free(multi);
    return NULL;
  }
  return multi;
}

void ccurl_multi_free(ccurl_multi *multi) {
  if (!multi) return;
  if (multi->handle) curl.multi_cleanup(multi->handle);
  free(multi->authorities);
  free(multi);
}

static int configure(ccurl_multi *multi, ccurl_transfer *transfer, const char *url,
                     const uint8_t *body, size_t body_bytes, const ccurl_settings *settings) {
  CURL *handle = transfer->handle;
  long protocols = CURLPROTO_HTTPS | (settings->allow_plaintext ? CURLPROTO_HTTP : 0);
  int bad = 0;
#define SET(option, value) bad |= curl.easy_setopt(handle, option, value) != CURLE_OK;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  SET(CURLOPT_PROTOCOLS, protocols)
  SET(CURLOPT_REDIR_PROTOCOLS, 0L)
#pragma GCC diagnostic pop
  SET(CURLOPT_URL, url)
  SET(CURLOPT_POST, 1L)
  SET(CURLOPT_POSTFIELDS, (const char *)body)
  SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_bytes)
  SET(CURLOPT_HTTPHEADER, transfer->headers)
  SET(CURLOPT_NOSIGNAL, 1L)
  SET(CURLOPT_FOLLOWLOCATION, 0L)
  SET(CURLOPT_PROXY, "")
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)
  SET(CURLOPT_SSL_VERIFYPEER, 1L)
  SET(CURLOPT_SSL_VERIFYHOST, 2L)
  if (multi->authorities) {
    SET(CURLOPT_CAINFO, multi->authorities)
    SET(CURLOPT_CAPATH, NULL)
  }
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)
  SET(CURLOPT_HTTP09_ALLOWED, 0L)
  SET(CURLOPT_PATH_AS_IS, 1L)
  SET(CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms)
  SET(CURLOPT_TIMEOUT_MS, settings->total_timeout_ms)
  SET(CURLOPT_WRITEFUNCTION, on_body)
  SET(CURLOPT_WRITEDATA, transfer)
  SET(CURLOPT_HEADERFUNCTION, on_header)
  SET(CURLOPT_HEADERDATA, transfer)
  SET(CURLOPT_PRIVATE, transfer)
#undef SET
  return bad;
}

ccurl_transfer *ccurl_start(ccurl_multi *multi, const char *url, const char *const *headers,
                            size_t header_count, const uint8_t *body, size_t body_bytes,
                            const ccurl_settings *settings, uint64_t token) {
  ccurl_transfer *transfer = calloc(1, sizeof(*transfer));
  if (!transfer) return NULL;
  transfer->token = token;
  transfer->response.limit = settings->response_bytes_max;
  transfer->response_headers.limit = settings->header_bytes_max;
  transfer->handle = curl.easy_init();
  for (size_t i = 0; i < header_count; i++)
    transfer->headers = curl.slist_append(transfer->headers, headers[i]);
  if (!transfer->handle || configure(multi, transfer, url, body, body_bytes, settings) ||
      curl.multi_add_handle(multi->handle, transfer->handle) != CURLM_OK) {
    ccurl_release(multi, transfer);
    return NULL;
  }
  transfer->added = 1;
  multi->open++;
  return transfer;
}

void ccurl_wait(ccurl_multi *multi, const int *fds, size_t fd_count, int timeout_ms) {
  int running = 0;
  curl.multi_perform(multi->handle, &running);
  struct curl_waitfd waits[8];
  if (fd_count > 8) fd_count = 8;
  for (size_t i = 0; i < fd_count; i++)
    waits[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
  int ready = 0;
  // An answer that came at once has left no socket to wait for.
  if (running < multi->open) timeout_ms = 0;
  if (timeout_ms > 0) curl.multi_poll(multi->handle, waits, (unsigned)fd_count, timeout_ms, &ready);
  curl.multi_perform(multi->handle, &running);
}

ccurl_transfer *ccurl_next_ended(ccurl_multi *multi) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl.multi_info_read(multi->handle, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    ccurl_transfer *transfer = NULL;
    curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
    transfer->code = message->data.result;
    transfer->ended = 1;
    multi->open--;
    return transfer;
  }
  return NULL;
}

uint64_t ccurl_token(const ccurl_transfer *transfer) { return transfer->token; }

ccurl_outcome ccurl_transfer_outcome(const ccurl_transfer *transfer) {
  if (transfer->too_large) return CCURL_TOO_LARGE;
  switch (transfer->code) {
    case CURLE_OK: return CCURL_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return CCURL_CONNECT_FAILED;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return CCURL_RESET;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return CCURL_TLS;
    case CURLE_OPERATION_TIMEDOUT: return CCURL_TIMEOUT;
    default: return CCURL_OTHER;
  }
}

const char *ccurl_reason(const ccurl_transfer *transfer) {
  return curl.easy_strerror(transfer->code);
}

long ccurl_status(const ccurl_transfer *transfer) {
  long status = 0;
  curl.easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

const uint8_t *ccurl_body(const ccurl_transfer *transfer, size_t *count) {
  *count = transfer->response.count;
  return transfer->response.bytes;
}

const uint8_t *ccurl_headers(const ccurl_transfer *transfer, size_t *count) {
  *count = transfer->response_headers.count;
  return transfer->response_headers.bytes;
}

void ccurl_release(ccurl_multi *multi, ccurl_transfer *transfer) {
  if (!transfer) return;
  if (transfer->added) {
    curl.multi_remove_handle(multi->handle, transfer->handle);
    if (!transfer->ended) multi->open--;
  }
  if (transfer->handle) curl.easy_cleanup(transfer->handle);
  curl.slist_free_all(transfer->headers);
  free(transfer->response.bytes);
  free(transfer->response_headers.bytes);
  free(transfer);
}
