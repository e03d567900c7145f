/** A command line as a shell parts it: words, with 'quoted' parts. */
export const wordsOf = (command: string): readonly string[] =>
  Array.from(command.matchAll(/(?:'[^']*'|[^\s'])+/g), ([word]) => word.replaceAll("'", ''));
