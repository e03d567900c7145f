const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Octets of a size as nginx writes it (`8m`); undefined for a text that is none. */
export function readSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})([bkmg]?)$/i.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (units[unit.toLowerCase()] ?? 1);
}
