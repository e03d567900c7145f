/* What the runtime reads about a container: who it is while it runs, and how it ended. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Field 22 of /proc/PID/stat, in clock ticks since boot; 0 when there is no such process. */
uint64_t start_time_of(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = 0;
  char *field = strrchr(text, ')'); /* the name may hold blanks and brackets */
  for (int number = 2; field != NULL && number < 22; number++) field = strchr(field + 1, ' ');
  return field == NULL ? 0 : strtoull(field + 1, NULL, 10);
}

/* RFC 3339 with nanoseconds, UTC. */
size_t format_time(struct timespec time, char out[32]) {
  struct tm parts;
  gmtime_r(&time.tv_sec, &parts);
  size_t length = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
  return length + (size_t)snprintf(out + length, 32 - length, ".%09ldZ", time.tv_nsec);
}

static void quote(const char *text, char *out, size_t size) {
  size_t length = 0;
  for (const unsigned char *at = (const unsigned char *)text; *at != 0 && length + 7 < size; at++) {
    if (*at == '"' || *at == '\\') length += (size_t)snprintf(out + length, size - length, "\\%c", *at);
    else if (*at < 0x20) length += (size_t)snprintf(out + length, size - length, "\\u%04x", *at);
    else out[length++] = (char)*at;
  }
  out[length] = 0;
}

static void write_record(const char *path, const char *text) {
  char beside[4096];
  if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) fail("the path %s is too long", path);
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail_errno("the record %s cannot be written", path);
  size_t length = strlen(text);
  if (write(fd, text, length) != (ssize_t)length || close(fd) < 0 || rename(beside, path) < 0)
    fail_errno("the record %s cannot be written", path);
}

void write_pid_record(const char *path, pid_t pid, struct timespec started) {
  char text[512], time[32];
  format_time(started, time);
  snprintf(text, sizeof text,
           "{\"pid\":%d,\"startTime\":%llu,\"launcherPid\":%d,\"launcherStartTime\":%llu,\"startedAt\":\"%s\"}\n", pid,
           (unsigned long long)start_time_of(pid), getpid(), (unsigned long long)start_time_of(getpid()), time);
  write_record(path, text);
}

void write_exit_record(const char *path, const struct ending *ending) {
  char text[4096], message[3072], started[32], finished[32];
  quote(ending->message == NULL ? "" : ending->message, message, sizeof message);
  format_time(ending->started, started);
  format_time(ending->finished, finished);
  snprintf(text, sizeof text,
           "{\"exitCode\":%d,\"signal\":%d,\"outOfMemory\":%s,\"ran\":%s,\"message\":\"%s\",\"startedAt\":\"%s\","
           "\"finishedAt\":\"%s\"}\n",
           ending->exit_code, ending->signal, ending->out_of_memory ? "true" : "false",
           ending->message == NULL ? "true" : "false", message, started, finished);
  write_record(path, text);
}
