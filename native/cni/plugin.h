/* What the parts of the CNI plugin share. */
#ifndef FAIRLEAD_CNI_PLUGIN_H
#define FAIRLEAD_CNI_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

/* Error codes of the CNI specification, section "Error". */
enum {
  CNI_BAD_ENVIRONMENT = 4,
  CNI_INPUT_OUTPUT = 5,
  CNI_DECODE = 6,
  CNI_BAD_CONFIG = 7,
  CNI_TRY_AGAIN = 11,
};

/* Bounded text; once something did not fit, `full` stays set and nothing more is added. */
struct text {
  char *bytes;
  size_t length, capacity;
  int full;
};

/* json.c */
void text_add(struct text *text, const char *bytes, size_t length);
void text_add_string(struct text *text, const char *string);
/* `string` as a JSON string with its quotes. Bytes above 127 pass as they are. */
void json_add_string(struct text *text, const char *string);
/*
 * The string at `key` of the top-level object. 1: found; 0: the object does not have it as a string that fits (`out` is
 * empty); -1: this is not an object. The last of equal keys counts, as in JavaScript. Values are not checked: the agent
 * decodes the whole document.
 */
int json_top_level_string(const char *json, size_t length, const char *key, char *out, size_t size);

/* sha256.c: the first `digits` (at most 64) lower-case hexadecimal digits of the hash, and a final zero byte. */
void sha256_hex(const char *message, size_t length, char *hex, int digits);

/* clock and bounded reading, read.c. Deadlines are milliseconds of CLOCK_MONOTONIC. */
int64_t now_milliseconds(void);
/* Waits for `events` of poll(2); 0 when the deadline has passed first. */
int wait_for(int fd, short events, int64_t deadline);
/* Reads to the end; -1 with errno set: EFBIG where `capacity` is too small, ETIMEDOUT after the deadline. */
long read_to_end(int fd, char *bytes, size_t capacity, int64_t deadline);

/*
 * agent.c: one question to the agent. EXCHANGED fills `answer` with the agent's whole frame; AGENT_DOWN: nobody listens, or the
 * agent ended before it had answered; AGENT_HUNG: the deadline passed; EXCHANGE_FAILED: errno tells why.
 */
enum exchange { EXCHANGED, AGENT_DOWN, AGENT_HUNG, EXCHANGE_FAILED };
enum exchange ask_agent(const char *socket_path, const struct text *question, struct text *answer, int64_t deadline);

/*
 * release.c: what DEL does without the agent. The host's end of the veth is named after the attachment, as the data-plane
 * contract says; deleting it deletes the pod's end too.
 */
enum { LINK_NAME_SIZE = 14 };
void attachment_link_name(const char *container, const char *interface, char name[LINK_NAME_SIZE]);
/* 0 when the link is gone, also when there was none; else an errno. */
int delete_link(const char *name);
/* Leaves `directory`/NAME.json for the agent, which frees the addresses when it is back; 0 or an errno. */
int queue_release(const char *directory, const char *name, const char *container, const char *interface);

#endif
