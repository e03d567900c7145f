/*
 * The log file of a container in the CRI's format: time, stream, F for a full line or P for a part of a long one.
 * Bounded: at `bytes` the file becomes FILE.1 and a new one begins; of older ones `files` - 1 are kept. When the disk
 * is full, output is lost and the program runs on.
 */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_LIMIT = 16 << 10, OVERHEAD = 64, BATCH = 64 << 10 };

struct log_file {
  const char *path;
  int fd;
  uint64_t size;
  uint64_t limit;
  unsigned files;
  size_t batched;
  char batch[BATCH];
};

struct log_stream {
  struct log_file *file;
  const char *name;
  size_t length;
  char line[LINE_LIMIT];
};

static void open_file(struct log_file *file) {
  file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat status;
  file->size = file->fd >= 0 && fstat(file->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

struct log_file *log_open(const char *path, uint64_t bytes, unsigned files) {
  struct log_file *file = calloc(1, sizeof *file);
  if (file == NULL) fail("out of memory");
  *file = (struct log_file){.path = path, .limit = bytes, .files = files};
  open_file(file);
  if (file->fd < 0) fail_errno("the log %s cannot be opened", path);
  return file;
}

struct log_stream *log_stream(struct log_file *file, const char *name) {
  struct log_stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) fail("out of memory");
  stream->file = file;
  stream->name = name;
  return stream;
}

static void rotate(struct log_file *file) {
  char from[4096], to[4096];
  for (unsigned index = file->files - 1; index >= 1; index--) {
    snprintf(to, sizeof to, "%s.%u", file->path, index);
    if (index == 1) snprintf(from, sizeof from, "%s", file->path);
    else snprintf(from, sizeof from, "%s.%u", file->path, index - 1);
    rename(from, to);
  }
  if (file->files == 1) unlink(file->path);
  if (file->fd >= 0) close(file->fd);
  open_file(file);
}

static void write_batch(struct log_file *file) {
  if (file->batched == 0) return;
  if (file->limit > 0 && file->size > 0 && file->size + file->batched > file->limit) rotate(file);
  ssize_t written = file->fd < 0 ? -1 : write(file->fd, file->batch, file->batched);
  if (written == (ssize_t)file->batched) file->size += file->batched;
  else if (written > 0 && ftruncate(file->fd, (off_t)file->size) < 0) file->size += (uint64_t)written;
  file->batched = 0;
}

static void add_line(struct log_stream *stream, const char *time, char tag, const char *bytes, size_t length) {
  struct log_file *file = stream->file;
  if (file->batched + length + OVERHEAD > BATCH) write_batch(file);
  char *at = file->batch + file->batched;
  at += sprintf(at, "%s %s %c ", time, stream->name, tag);
  memcpy(at, bytes, length);
  at[length] = '\n';
  file->batched = (size_t)(at + length + 1 - file->batch);
}

void log_write(struct log_stream *stream, const char *bytes, size_t length) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char time[32];
  format_time(now, time);
  while (length > 0) {
    const char *newline = memchr(bytes, '\n', length);
    size_t take = newline == NULL ? length : (size_t)(newline - bytes);
    size_t room = LINE_LIMIT - stream->length;
    bool part = take > room;
    if (part) take = room;
    memcpy(stream->line + stream->length, bytes, take);
    stream->length += take;
    bytes += take;
    length -= take;
    if (!part && newline != NULL) {
      bytes++;
      length--;
    } else if (!part && stream->length < LINE_LIMIT) {
      break; /* the rest of the line is still to come */
    }
    add_line(stream, time, !part && newline != NULL ? 'F' : 'P', stream->line, stream->length);
    stream->length = 0;
  }
  write_batch(stream->file);
}

void log_flush(struct log_stream *stream) {
  if (stream->length > 0) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char time[32];
    format_time(now, time);
    add_line(stream, time, 'P', stream->line, stream->length);
    stream->length = 0;
  }
  write_batch(stream->file);
}
