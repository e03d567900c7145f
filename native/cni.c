/*
 * fairlead-cni: the CNI plugin that the container runtime starts for every operation on a pod's network.
 *
 * It is a client of the node's agent and decides nothing: it sends its CNI_* environment and its standard input in one
 * frame, prints the answer and exits with its code. Only what must work without the agent is here: VERSION, and DEL.
 *
 *   question: {"env":{"CNI_COMMAND":"ADD",…},"stdinBytes":N}\n followed by N bytes
 *   answer:   CODE N\n followed by N bytes for standard output
 */
#include "cni/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEWEST_VERSION "1.1.0"
#define SUPPORTED_VERSIONS "[\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]"

/* Longer than the agent ever takes to answer, shorter than a runtime waits for its plugin; a test builds it shorter. */
#ifndef EXCHANGE_MILLISECONDS
#define EXCHANGE_MILLISECONDS 20000
#endif

enum {
  STDIN_LIMIT = 4 << 20,
  ENVIRONMENT_LIMIT = 64 << 10,
  VALUE_LIMIT = 4096,
  ANSWER_LIMIT = 4 << 20,
  STDIN_MILLISECONDS = 5000,
  VERSION_STDIN_MILLISECONDS = 500,
  PATH_SIZE = 1024,
};

extern char **environ;

static char stdin_bytes[STDIN_LIMIT], question_bytes[STDIN_LIMIT + 2 * ENVIRONMENT_LIMIT], answer_bytes[ANSWER_LIMIT + 1];
static char config_version[16] = NEWEST_VERSION;

static int print_all(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(STDOUT_FILENO, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return 0;
    bytes += count;
    length -= (size_t)count;
  }
  return 1;
}

/* The error object of the CNI specification on standard output; returns the exit status. */
static int fail(int code, const char *message, const char *details) {
  char bytes[PATH_SIZE * 4];
  struct text out = {.bytes = bytes, .capacity = sizeof bytes};
  char number[16];
  snprintf(number, sizeof number, "%d", code);
  text_add_string(&out, "{\"cniVersion\":");
  json_add_string(&out, config_version);
  text_add_string(&out, ",\"code\":");
  text_add_string(&out, number);
  text_add_string(&out, ",\"msg\":");
  json_add_string(&out, message);
  if (details != NULL) {
    text_add_string(&out, ",\"details\":");
    json_add_string(&out, details);
  }
  text_add_string(&out, "}\n");
  print_all(out.bytes, out.length);
  return code;
}

/* Takes the configuration's cniVersion for our own answers, where it looks like a version. */
static void adopt_version(size_t length) {
  char version[sizeof config_version];
  if (json_top_level_string(stdin_bytes, length, "cniVersion", version, sizeof version) != 1) return;
  if (version[0] != 0 && version[strspn(version, "0123456789.")] == 0) memcpy(config_version, version, sizeof version);
}

static int answer_version(void) {
  long length = read_to_end(STDIN_FILENO, stdin_bytes, sizeof stdin_bytes, now_milliseconds() + VERSION_STDIN_MILLISECONDS);
  if (length > 0) adopt_version((size_t)length);
  char out[256];
  int size = snprintf(out, sizeof out, "{\"cniVersion\":\"%s\",\"supportedVersions\":%s}\n", config_version, SUPPORTED_VERSIONS);
  return print_all(out, (size_t)size) ? 0 : CNI_INPUT_OUTPUT;
}

/* The CNI_* variables as a JSON object; 0 when one of them is longer than anything sensible. */
static int add_environment(struct text *question) {
  const char *separator = "";
  size_t total = 0;
  text_add_string(question, "{\"env\":{");
  for (char **entry = environ; *entry != NULL; entry++) {
    const char *equals = strchr(*entry, '=');
    if (strncmp(*entry, "CNI_", 4) != 0 || equals == NULL) continue;
    char name[64];
    size_t name_length = (size_t)(equals - *entry);
    total += strlen(*entry);
    if (name_length >= sizeof name || strlen(equals + 1) > VALUE_LIMIT || total > ENVIRONMENT_LIMIT / 8) return 0;
    memcpy(name, *entry, name_length);
    name[name_length] = 0;
    text_add_string(question, separator);
    json_add_string(question, name);
    text_add_string(question, ":");
    json_add_string(question, equals + 1);
    separator = ",";
  }
  text_add_string(question, "}");
  return 1;
}

/* Prints a whole answer frame; an agent that ended in the middle of one counts as down. */
static int print_answer(const struct text *answer, int *status) {
  const char *newline = memchr(answer->bytes, '\n', answer->length);
  if (newline == NULL || newline - answer->bytes > 32) return 0;
  int code;
  size_t size;
  if (sscanf(answer->bytes, "%d %zu", &code, &size) != 2 || code < 0 || code > 9999) return 0;
  if (size != answer->length - (size_t)(newline + 1 - answer->bytes)) return 0;
  if (!print_all(newline + 1, size)) code = CNI_INPUT_OUTPUT;
  *status = code > 255 ? 255 : code;
  return 1;
}

static int delete_without_agent(const char *queue) {
  const char *container = getenv("CNI_CONTAINERID"), *interface = getenv("CNI_IFNAME");
  if (container == NULL || *container == 0 || interface == NULL || *interface == 0)
    return fail(CNI_BAD_ENVIRONMENT, "DEL needs CNI_CONTAINERID and CNI_IFNAME", NULL);
  if (*queue == 0) return fail(CNI_BAD_CONFIG, "the network configuration has no \"releaseQueue\"", NULL);
  char name[LINK_NAME_SIZE];
  attachment_link_name(container, interface, name);
  /* Queued first: once the link is gone nothing else would tell of the addresses. */
  int error = queue_release(queue, name, container, interface);
  if (error != 0) return fail(CNI_TRY_AGAIN, "the agent is down and the release cannot be queued for it", strerror(error));
  error = delete_link(name);
  if (error != 0) return fail(CNI_TRY_AGAIN, "the agent is down and the pod's link cannot be deleted", strerror(error));
  return 0;
}

static int forward(const char *command, size_t length) {
  char socket_path[PATH_SIZE], queue[PATH_SIZE], stdin_size[64];
  if (json_top_level_string(stdin_bytes, length, "socket", socket_path, sizeof socket_path) < 0)
    return fail(CNI_DECODE, "standard input is not a network configuration: a JSON object is expected", NULL);
  if (socket_path[0] != '/')
    return fail(CNI_BAD_CONFIG, "the network configuration has no \"socket\": the path of the agent's socket", NULL);
  json_top_level_string(stdin_bytes, length, "releaseQueue", queue, sizeof queue);

  struct text question = {.bytes = question_bytes, .capacity = sizeof question_bytes};
  struct text answer = {.bytes = answer_bytes, .capacity = ANSWER_LIMIT}; /* a zero byte stays behind it */
  if (!add_environment(&question)) return fail(CNI_BAD_ENVIRONMENT, "a CNI_ variable of the environment is too long", NULL);
  snprintf(stdin_size, sizeof stdin_size, ",\"stdinBytes\":%zu}\n", length);
  text_add_string(&question, stdin_size);
  text_add(&question, stdin_bytes, length);

  int status = 0;
  enum exchange outcome = ask_agent(socket_path, &question, &answer, now_milliseconds() + EXCHANGE_MILLISECONDS);
  int error = errno;
  if (outcome == EXCHANGED && print_answer(&answer, &status)) return status;
  if (outcome == EXCHANGE_FAILED) return fail(CNI_INPUT_OUTPUT, "the agent cannot be asked", strerror(error));
  if (outcome == AGENT_HUNG) return fail(CNI_TRY_AGAIN, "the agent did not answer in time", socket_path);
  if (strcmp(command, "DEL") == 0) return delete_without_agent(queue);
  return fail(CNI_TRY_AGAIN, "the agent of this node is not running", socket_path);
}

int main(void) {
  const char *command = getenv("CNI_COMMAND");
  if (command == NULL || *command == 0) {
    static const char about[] = "fairlead-cni: the CNI plugin of Fairlead, protocol versions 0.3.1 to 1.1.0\n";
    return write(STDERR_FILENO, about, sizeof about - 1) < 0 ? CNI_INPUT_OUTPUT : 0;
  }
  if (strcmp(command, "VERSION") == 0) return answer_version();
  long length = read_to_end(STDIN_FILENO, stdin_bytes, sizeof stdin_bytes, now_milliseconds() + STDIN_MILLISECONDS);
  if (length < 0 && errno == EFBIG) return fail(CNI_DECODE, "standard input is larger than 4 MiB", NULL);
  if (length < 0) return fail(CNI_INPUT_OUTPUT, "standard input cannot be read", strerror(errno));
  adopt_version((size_t)length);
  return forward(command, (size_t)length);
}
