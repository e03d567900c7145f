/* Time and reading, both bounded. */
#include "plugin.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

int64_t now_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int wait_for(int fd, short events, int64_t deadline) {
  for (;;) {
    int64_t left = deadline - now_milliseconds();
    if (left <= 0) return 0;
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int ready = poll(&poll_fd, 1, (int)left);
    if (ready > 0) return 1;
    if (ready < 0 && errno != EINTR) return 1; /* the read or write that follows reports it */
  }
}

long read_to_end(int fd, char *bytes, size_t capacity, int64_t deadline) {
  size_t length = 0;
  for (;;) {
    if (!wait_for(fd, POLLIN, deadline)) {
      errno = ETIMEDOUT;
      return -1;
    }
    char beyond;
    size_t space = capacity - length;
    ssize_t count = space > 0 ? read(fd, bytes + length, space) : read(fd, &beyond, 1);
    if (count == 0) return (long)length;
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return -1;
    if (space == 0) {
      errno = EFBIG;
      return -1;
    }
    length += (size_t)count;
  }
}
