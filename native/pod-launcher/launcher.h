/*
 * The pod launcher: one small process beside each container. It carries out a plan that the runtime wrote; it decides
 * nothing itself. plan.c says what a plan looks like.
 */
#ifndef FAIRLEAD_LAUNCHER_H
#define FAIRLEAD_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum operation_kind {
  OPERATION_HIDE,
  OPERATION_BIND,
  OPERATION_TMPFS,
  OPERATION_PROC,
  OPERATION_SYSFS,
  OPERATION_DEV,
  OPERATION_READ_ONLY,
};

/* One step of building the container's file system; fields that a kind does not use are NULL or 0. */
struct operation {
  enum operation_kind kind;
  const char *source;
  const char *inside; /* path below `source`, "" for source itself */
  const char *target;
  const char *mode;
  bool read_only;
  int tree; /* detached mount, taken before the root changes */
  bool tree_is_directory;
};

struct plan {
  char **arguments;
  char **environment;
  const char *working_directory;
  uid_t uid;
  gid_t gid;
  gid_t *groups;
  size_t group_count;
  const char *network_namespace;
  const char *cgroup;
  const char *hostname;
  uint64_t capabilities;
  bool no_new_privileges;
  bool tty;
  bool stdin_open;
  bool stdin_once;
  bool read_only_root;
  const char *stage;
  const char *layer_bytes;
  const char *log;
  uint64_t log_bytes;
  unsigned log_files;
  const char *pid_record;
  const char *exit_record;
  const char *attach_socket;
  pid_t enter_pid;
  uint64_t enter_start_time;
  struct operation *operations;
  size_t operation_count;
};

/* plan.c — both end the process with a sentence on standard error (status 2) when the plan is not understood. */
void plan_parse(char *bytes, size_t length, struct plan *plan);
char *read_all(int fd, size_t limit, size_t *length);

/* failure.c — a failure before the program runs goes, as one sentence, to whoever started this process. */
void failure_channel(int fd);           /* to a descriptor, instead of standard error */
void failure_record(const char *path);   /* to an exit record as well */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* root.c — called in the container's new mount and pid namespaces. */
void build_root(const struct plan *plan);

/* become.c */
void join_cgroup(const char *path);
void close_above(int first, int keep);
void become(const struct plan *plan);               /* user, groups, capabilities */
_Noreturn void execute(const struct plan *plan);    /* environment, working directory, program */

/* terminal.c */
int open_terminal(int *slave); /* a pseudo-terminal of the current mount namespace; returns the master */
void take_terminal(int slave); /* makes it the controlling terminal and standard streams */
void resize_terminal(int master, unsigned rows, unsigned columns);
void send_fd(int channel, int fd);
ssize_t receive(int channel, char *text, size_t size, int *fd); /* bytes read, 0 at the end, -1 */
int watch_children(void); /* a descriptor that is readable when a child ended */

/* record.c — records are JSON, written beside and renamed, so that a reader sees all or nothing. */
enum { EXIT_NOT_STARTED = 128 }; /* as container runtimes report a program that could not be started */
struct ending {
  int exit_code;
  int signal;
  bool out_of_memory;
  const char *message; /* NULL unless the program never ran */
  struct timespec started;
  struct timespec finished;
};
uint64_t start_time_of(pid_t pid);
void write_pid_record(const char *path, pid_t pid, struct timespec started);
void write_exit_record(const char *path, const struct ending *ending);
size_t format_time(struct timespec time, char out[32]);

/* log.c — the CRI log format: `TIME stdout F line`. */
struct log_file;
struct log_stream;
struct log_file *log_open(const char *path, uint64_t bytes, unsigned files);
struct log_stream *log_stream(struct log_file *file, const char *name);
void log_write(struct log_stream *stream, const char *bytes, size_t length);
void log_flush(struct log_stream *stream);

/*
 * attach.c — clients of a running container's streams. Frames: kind (1 byte), length (4 bytes, big endian), bytes.
 * To us: 0 standard input, 4 terminal size (rows, columns: 2 bytes each), 255 end of input. From us: 1 and 2, output.
 */
enum { ATTACH_CLIENTS = 8, ATTACH_POLLS = ATTACH_CLIENTS + 2 };
struct attach;
struct pollfd;
struct attach *attach_listen(const char *path, int program_input, int terminal, bool input_once);
size_t attach_poll(struct attach *attach, struct pollfd *polls);
void attach_handle(struct attach *attach, const struct pollfd *polls);
void attach_output(struct attach *attach, uint8_t stream, const char *bytes, size_t length);
bool attach_congested(const struct attach *attach); /* a client is slow: read no more output for now */
void attach_finish(struct attach *attach, const char *path);

int run_container(const struct plan *plan);
int run_exec(struct plan *plan, int control);
int run_pause(void);

#endif
