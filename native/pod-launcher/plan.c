/*
 * A plan is a sequence of strings that each end with a zero byte: a keyword, then as many values as the keyword
 * has. Nothing is quoted and nothing is optional; an unknown keyword is an error. `end` closes the plan.
 */
#include "launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reader {
  char *at;
  char *end;
};

struct strings {
  char **items;
  size_t count;
};

static char *next(struct reader *reader) {
  if (reader->at >= reader->end) fail("the plan ends too early");
  char *text = reader->at;
  char *zero = memchr(text, 0, (size_t)(reader->end - text));
  if (zero == NULL) fail("the plan's last string is cut off");
  reader->at = zero + 1;
  return text;
}

static uint64_t number(struct reader *reader, const char *keyword, uint64_t largest) {
  const char *text = next(reader);
  char *rest = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &rest, 10);
  if (errno != 0 || rest == text || *rest != 0 || *text == '-' || value > largest)
    fail("the plan's %s is not a number up to %llu: %s", keyword, (unsigned long long)largest, text);
  return value;
}

static void *grow(void *items, size_t count, size_t size) {
  void *grown = realloc(items, (count + 2) * size);
  if (grown == NULL) fail("out of memory");
  return grown;
}

static void append(struct strings *list, char *text) {
  list->items = grow(list->items, list->count, sizeof(char *));
  list->items[list->count++] = text;
  list->items[list->count] = NULL;
}

static struct operation *add_operation(struct plan *plan, enum operation_kind kind) {
  plan->operations = grow(plan->operations, plan->operation_count, sizeof(struct operation));
  struct operation *operation = &plan->operations[plan->operation_count++];
  *operation = (struct operation){.kind = kind, .tree = -1};
  return operation;
}

static bool read_operation(struct plan *plan, const char *keyword, struct reader *reader) {
  if (strcmp(keyword, "hide") == 0) { /* PATH MODE: an empty directory of the writable layer */
    struct operation *operation = add_operation(plan, OPERATION_HIDE);
    operation->target = next(reader);
    operation->mode = next(reader);
  } else if (strcmp(keyword, "bind") == 0) { /* SOURCE INSIDE TARGET ro|rw */
    struct operation *operation = add_operation(plan, OPERATION_BIND);
    operation->source = next(reader);
    operation->inside = next(reader);
    operation->target = next(reader);
    operation->read_only = strcmp(next(reader), "ro") == 0;
  } else if (strcmp(keyword, "tmpfs") == 0) { /* TARGET OPTIONS */
    struct operation *operation = add_operation(plan, OPERATION_TMPFS);
    operation->target = next(reader);
    operation->mode = next(reader);
  } else if (strcmp(keyword, "proc") == 0) { /* TARGET */
    add_operation(plan, OPERATION_PROC)->target = next(reader);
  } else if (strcmp(keyword, "sysfs") == 0) { /* TARGET ro|rw */
    struct operation *operation = add_operation(plan, OPERATION_SYSFS);
    operation->target = next(reader);
    operation->read_only = strcmp(next(reader), "ro") == 0;
  } else if (strcmp(keyword, "dev") == 0) { /* TARGET */
    add_operation(plan, OPERATION_DEV)->target = next(reader);
  } else if (strcmp(keyword, "read-only") == 0) { /* PATH: a part of what is mounted, if it is there */
    add_operation(plan, OPERATION_READ_ONLY)->target = next(reader);
  } else {
    return false;
  }
  return true;
}

static bool read_text(struct plan *plan, const char *keyword, struct reader *reader) {
  const struct {
    const char *keyword;
    const char **field;
  } texts[] = {
      {"cwd", &plan->working_directory}, {"netns", &plan->network_namespace}, {"cgroup", &plan->cgroup},
      {"hostname", &plan->hostname},     {"stage", &plan->stage},             {"layer-bytes", &plan->layer_bytes},
      {"log", &plan->log},               {"pid-record", &plan->pid_record},   {"exit-record", &plan->exit_record},
      {"attach-socket", &plan->attach_socket},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (strcmp(keyword, texts[i].keyword) != 0) continue;
    *texts[i].field = next(reader);
    return true;
  }
  return false;
}

static bool read_switch(struct plan *plan, const char *keyword) {
  const struct {
    const char *keyword;
    bool *field;
  } switches[] = {
      {"no-new-privileges", &plan->no_new_privileges}, {"tty", &plan->tty},
      {"stdin", &plan->stdin_open},                    {"stdin-once", &plan->stdin_once},
      {"read-only-root", &plan->read_only_root},
  };
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
    if (strcmp(keyword, switches[i].keyword) != 0) continue;
    *switches[i].field = true;
    return true;
  }
  return false;
}

static bool read_number(struct plan *plan, const char *keyword, struct reader *reader) {
  if (strcmp(keyword, "uid") == 0) {
    plan->uid = (uid_t)number(reader, keyword, INT32_MAX);
  } else if (strcmp(keyword, "gid") == 0) {
    plan->gid = (gid_t)number(reader, keyword, INT32_MAX);
  } else if (strcmp(keyword, "group") == 0) {
    plan->groups = grow(plan->groups, plan->group_count, sizeof(gid_t));
    plan->groups[plan->group_count++] = (gid_t)number(reader, keyword, INT32_MAX);
  } else if (strcmp(keyword, "capability") == 0) {
    plan->capabilities |= UINT64_C(1) << number(reader, keyword, 63);
  } else if (strcmp(keyword, "log-bytes") == 0) {
    plan->log_bytes = number(reader, keyword, INT64_MAX);
  } else if (strcmp(keyword, "log-files") == 0) {
    plan->log_files = (unsigned)number(reader, keyword, 100);
  } else if (strcmp(keyword, "enter") == 0) { /* PID START-TIME */
    plan->enter_pid = (pid_t)number(reader, keyword, INT32_MAX);
    plan->enter_start_time = number(reader, keyword, INT64_MAX);
  } else {
    return false;
  }
  return true;
}

void plan_parse(char *bytes, size_t length, struct plan *plan) {
  *plan = (struct plan){.working_directory = "/", .log_bytes = 10 << 20, .log_files = 2, .layer_bytes = "64m"};
  struct reader reader = {bytes, bytes + length};
  struct strings arguments = {0};
  struct strings environment = {0};
  for (;;) {
    const char *keyword = next(&reader);
    if (strcmp(keyword, "end") == 0) break;
    if (strcmp(keyword, "arg") == 0) append(&arguments, next(&reader));
    else if (strcmp(keyword, "env") == 0) append(&environment, next(&reader));
    else if (!read_operation(plan, keyword, &reader) && !read_text(plan, keyword, &reader) &&
             !read_switch(plan, keyword) && !read_number(plan, keyword, &reader))
      fail("the plan has an unknown keyword: %s", keyword);
  }
  if (arguments.count == 0) fail("the plan names no program");
  static char *nothing[] = {NULL};
  plan->arguments = arguments.items;
  plan->environment = environment.items == NULL ? nothing : environment.items;
}

char *read_all(int fd, size_t limit, size_t *length) {
  size_t capacity = 16 << 10;
  char *bytes = malloc(capacity);
  *length = 0;
  for (;;) {
    if (bytes == NULL) fail("out of memory");
    ssize_t got = read(fd, bytes + *length, capacity - *length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno("the plan cannot be read");
    if (got == 0) return bytes;
    *length += (size_t)got;
    if (*length > limit) fail("the plan is larger than %zu bytes", limit);
    if (*length < capacity) continue;
    capacity *= 2;
    bytes = realloc(bytes, capacity);
  }
}
