/* Twilio for load tests: a keep-alive HTTP/1.1 server, one thread, epoll, loopback only.
 *
 *   cc -O2 -o fastserver fastserver.c && ./fastserver LATENCY_MS LOG
 *
 * Every POST of a message is answered 201 after the latency, with a SID of its own. LOG is a file that is mapped into
 * memory, so that a reader sees each POST at once and writing costs nothing: `struct head`, then one `struct post` for
 * each POST, in the order in which they were read. The SID of post i is "SM" and i as 32 hexadecimal digits.
 * It understands what the notifier sends: Content-Length bodies, no pipelining. The port is printed first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 60000
#define REQUEST_BYTES 8192
#define MOST_POSTS (4u << 20)

struct head { uint64_t posts, in_flight, most_in_flight, connections; };
struct post { double at; uint64_t number; }; /* seconds since 1970; the recipient's digits */
struct conn { char buf[REQUEST_BYTES]; int len; unsigned generation; double begun; };
struct pending { int fd; unsigned generation; double at; uint64_t post; };

static struct conn *conns[MOST_CONNECTIONS];
static struct pending ring[1 << 17];
static size_t ring_first, ring_end;
static const size_t ring_size = sizeof ring / sizeof *ring;
static struct head *head;
static struct post *posts;

static double clock_of(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void answer(int fd, uint64_t post) {
  static const char *account = "AC00000000000000000000000000000000";
  char sid[40], body[1200], reply[2000];
  snprintf(sid, sizeof sid, "SM%032llx", (unsigned long long)post);
  int length = snprintf(body, sizeof body,
    "{\"account_sid\": \"%s\", \"api_version\": \"2010-04-01\", \"body\": \"Your code is 123456\", "
    "\"date_created\": \"Thu, 24 Aug 2023 05:01:45 +0000\", \"date_sent\": null, "
    "\"date_updated\": \"Thu, 24 Aug 2023 05:01:45 +0000\", \"direction\": \"outbound-api\", "
    "\"error_code\": null, \"error_message\": null, \"from\": \"+15017122661\", \"num_media\": \"0\", "
    "\"num_segments\": \"1\", \"price\": null, \"price_unit\": null, \"messaging_service_sid\": null, "
    "\"sid\": \"%s\", \"status\": \"queued\", "
    "\"subresource_uris\": {\"media\": \"/2010-04-01/Accounts/%s/Messages/%s/Media.json\"}, "
    "\"to\": \"+15558675310\", \"uri\": \"/2010-04-01/Accounts/%s/Messages/%s.json\"}",
    account, sid, account, sid, account, sid);
  int size = snprintf(reply, sizeof reply,
    "HTTP/1.1 201 Created\r\nContent-Type: application/json;charset=utf-8\r\nContent-Length: %d\r\n"
    "Connection: keep-alive\r\nTwilio-Concurrent-Requests: 1\r\n"
    "Twilio-Request-Id: RQ0123456789abcdef0123456789abcdef\r\nTwilio-Request-Duration: 0.050\r\n"
    "X-Home-Region: us1\r\nX-API-Domain: api.twilio.com\r\n"
    "Strict-Transport-Security: max-age=31536000\r\n\r\n%s", length, body);
  if (write(fd, reply, size) != size) fprintf(stderr, "an answer was not taken whole\n");
  head->in_flight--;
}

static void refuse(int fd) { /* polls and looks: nothing here remembers a message */
  static const char reply[] = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 15\r\n"
                              "Connection: keep-alive\r\n\r\n{\"code\": 20404}";
  if (write(fd, reply, sizeof reply - 1) < 0) perror("write");
}

static uint64_t recipient(const char *body) { /* To=%2B12025550143, wherever it stands in the form */
  const char *p = body;
  while (p && strncmp(p, "To=", 3)) { p = strchr(p, '&'); if (p) p++; }
  if (!p) return 0;
  p += 3;
  if (!strncasecmp(p, "%2B", 3)) p += 3;
  return strtoull(p, 0, 10);
}

static void accept_all(int epoll, int listener) {
  struct epoll_event event = {.events = EPOLLIN};
  int one = 1, fd;
  while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MOST_CONNECTIONS) { close(fd); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!conns[fd]) conns[fd] = calloc(1, sizeof(struct conn));
    conns[fd]->len = 0;
    conns[fd]->generation++;
    head->connections++;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static void take(int fd, double latency) {
  struct conn *c = conns[fd];
  ssize_t got = read(fd, c->buf + c->len, REQUEST_BYTES - 1 - c->len);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) { c->generation++; close(fd); return; }
  if (!c->len) c->begun = clock_of(CLOCK_REALTIME); /* a POST begins with its first bytes */
  c->len += got;
  c->buf[c->len] = 0;
  char *end = strstr(c->buf, "\r\n\r\n");
  if (!end) return;
  char *field = strcasestr(c->buf, "\ncontent-length:");
  long length = field && field < end ? atol(field + 16) : 0;
  if (c->len < end + 4 - c->buf + length) return;
  c->len = 0;
  if (strncmp(c->buf, "POST ", 5)) { refuse(fd); return; }
  if (head->posts >= MOST_POSTS) { fprintf(stderr, "the log is full\n"); exit(1); }
  uint64_t post = head->posts;
  posts[post] = (struct post){c->begun, recipient(end + 4)};
  __atomic_store_n(&head->posts, post + 1, __ATOMIC_RELEASE);
  if (++head->in_flight > head->most_in_flight) head->most_in_flight = head->in_flight;
  if (latency <= 0) { answer(fd, post); return; }
  if (ring_end - ring_first >= ring_size) { fprintf(stderr, "too many in flight\n"); exit(1); }
  ring[ring_end++ % ring_size] = (struct pending){fd, c->generation, clock_of(CLOCK_MONOTONIC) + latency, post};
}

static void answer_due(void) {
  double now = clock_of(CLOCK_MONOTONIC);
  for (; ring_first != ring_end && ring[ring_first % ring_size].at <= now; ring_first++) {
    struct pending due = ring[ring_first % ring_size];
    if (conns[due.fd]->generation == due.generation) answer(due.fd, due.post);
    else head->in_flight--;
  }
}

static int until_due(void) { /* milliseconds */
  if (ring_first == ring_end) return -1;
  double left = ring[ring_first % ring_size].at - clock_of(CLOCK_MONOTONIC);
  return left <= 0 ? 0 : (int)(left * 1e3) + 1;
}

static int map_log(const char *path) {
  size_t size = sizeof *head + MOST_POSTS * sizeof *posts;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ftruncate(fd, size)) return -1;
  head = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  posts = (struct post *)(head + 1);
  return head == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv) {
  if (argc != 3) { fprintf(stderr, "usage: fastserver LATENCY_MS LOG\n"); return 2; }
  double latency = atof(argv[1]) / 1e3;
  if (map_log(argv[2])) { perror(argv[2]); return 1; }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  if (bind(listener, (void *)&address, size) || listen(listener, 4096)) { perror("bind"); return 1; }
  getsockname(listener, (void *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(epoll, events, 512, until_due());
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) accept_all(epoll, listener);
      else take(events[i].data.fd, latency);
    }
    answer_due();
  }
}
