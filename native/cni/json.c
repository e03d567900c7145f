/* The little JSON that the plugin needs (RFC 8259): a string of the top-level object, and writing strings. */
#include "plugin.h"

#include <stdio.h>
#include <string.h>

void text_add(struct text *text, const char *bytes, size_t length) {
  if (text->full || length > text->capacity - text->length) {
    text->full = 1;
    return;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

void text_add_string(struct text *text, const char *string) {
  text_add(text, string, strlen(string));
}

/* `string` as a JSON string with its quotes. Bytes above 127 pass as they are. */
void json_add_string(struct text *text, const char *string) {
  text_add(text, "\"", 1);
  for (const unsigned char *at = (const unsigned char *)string; *at; at++) {
    char escaped[8];
    if (*at == '"' || *at == '\\') {
      text_add(text, "\\", 1);
      text_add(text, (const char *)at, 1);
    } else if (*at < 0x20) {
      text_add(text, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", *at));
    } else {
      text_add(text, (const char *)at, 1);
    }
  }
  text_add(text, "\"", 1);
}

static const char *json_blank(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/* `at` is behind the opening quote; the place behind the closing one, or NULL. */
static const char *json_string_end(const char *at, const char *end) {
  for (; at < end; at++) {
    if (*at == '\\') at++;
    else if (*at == '"') return at + 1;
  }
  return NULL;
}

/* The place behind the value that starts at `at`, or NULL where it does not end. */
static const char *json_value_end(const char *at, const char *end) {
  int depth = 0;
  while (at < end) {
    char byte = *at++;
    if (byte == '"') {
      at = json_string_end(at, end);
      if (at == NULL) return NULL;
    } else if (byte == '{' || byte == '[') {
      depth++;
    } else if (byte == '}' || byte == ']') {
      depth--;
    }
    if (depth < 0) return NULL;
    if (depth == 0) {
      const char *next = json_blank(at, end);
      if (next < end && (*next == ',' || *next == '}')) return next;
    }
  }
  return NULL;
}

/* Copies a JSON string without its escapes; 0 when it does not fit or has an escape of a code point. */
static int json_unescape(const char *from, const char *end, char *out, size_t size) {
  size_t length = 0;
  for (; from < end; from++) {
    char byte = *from;
    if (byte == '\\') {
      byte = *++from;
      if (byte != '"' && byte != '\\' && byte != '/') return 0;
    }
    if (length + 1 >= size || byte == 0) return 0;
    out[length++] = byte;
  }
  out[length] = 0;
  return 1;
}

/*
 * The string at `key` of the top-level object. 1: found; 0: the object does not have it as a string that fits (`out` is
 * empty); -1: this is not an object. The last of equal keys counts, as in JavaScript. Values are not checked: the agent
 * decodes the whole document.
 */
int json_top_level_string(const char *json, size_t length, const char *key, char *out, size_t size) {
  const char *end = json + length, *at = json_blank(json, end);
  int found = 0;
  out[0] = 0;
  if (at == end || *at++ != '{') return -1;
  at = json_blank(at, end);
  if (at < end && *at == '}') return 0;
  while (at < end && *at == '"') {
    const char *name = at + 1, *name_end = json_string_end(name, end);
    if (name_end == NULL) return -1;
    at = json_blank(name_end, end);
    if (at == end || *at++ != ':') return -1;
    at = json_blank(at, end);
    const char *value = at, *value_end = at < end ? json_value_end(at, end) : NULL;
    if (value_end == NULL) return -1;
    if ((size_t)(name_end - name - 1) == strlen(key) && memcmp(name, key, strlen(key)) == 0) {
      const char *close = *value == '"' ? json_string_end(value + 1, end) : NULL;
      found = close != NULL && json_unescape(value + 1, close - 1, out, size);
      if (!found) out[0] = 0;
    }
    if (*value_end == '}') return found;
    at = json_blank(value_end + 1, end);
  }
  return -1;
}
