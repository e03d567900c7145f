/* One place where a step that cannot be done ends this process, with a sentence for whoever has to act on it. */
#include "launcher.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_FAILED = 2 };

/* Process-wide by nature: the descriptor that failures of this process go to. */
static int channel = STDERR_FILENO;
static const char *record;

void failure_channel(int fd) {
  channel = fd;
  record = NULL;
}

void failure_record(const char *path) { record = path; }

static _Noreturn void report(const char *sentence, size_t length) {
  while (write(channel, sentence, length) < 0 && errno == EINTR) continue;
  if (record != NULL) {
    struct ending ending = {.exit_code = EXIT_NOT_STARTED, .message = sentence};
    clock_gettime(CLOCK_REALTIME, &ending.started);
    ending.finished = ending.started;
    const char *path = record;
    record = NULL; /* a record that cannot be written is the end of it */
    write_exit_record(path, &ending);
  }
  _exit(STATUS_FAILED);
}

void fail(const char *format, ...) {
  char sentence[1024];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(sentence, sizeof sentence, format, values);
  va_end(values);
  report(sentence, length < (int)sizeof sentence ? (size_t)length : sizeof sentence - 1);
}

void fail_errno(const char *format, ...) {
  int error = errno;
  char sentence[1024];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(sentence, sizeof sentence - 128, format, values);
  va_end(values);
  if (length >= (int)sizeof sentence - 128) length = (int)sizeof sentence - 129;
  length += snprintf(sentence + length, sizeof sentence - (size_t)length, ": %s", strerror(error));
  report(sentence, (size_t)length);
}
