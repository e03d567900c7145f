const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for XML and HTML, in elements and in attributes; control characters, which XML has not, are left out. */
export const escapeMarkup = (text: string): string =>
  text
    .replaceAll(/\p{Cc}/gu, letter => (letter === '\n' || letter === '\t' ? letter : ''))
    .replaceAll(/[&<>"']/g, letter => entities[letter] ?? '');
