/** For `JSON.stringify`: addresses are big numbers, which JSON has not; they become their digits. */
export const bigNumbersAsText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;
