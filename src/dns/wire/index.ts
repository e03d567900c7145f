/** The DNS wire format: names, queries in, records out. */
export { dnssecOk, flags, limits, rcodes, types } from './codes.ts';
export { encodeName, foldKey, isWithin, keyOfName, parentKey, textOfName } from './name.ts';
export type { NameKey } from './name.ts';
export { FrameReader, frame } from './frames.ts';
export { readQuery } from './query.ts';
export type { Edns, NoQuery, Query } from './query.ts';
export type { RecordData, RecordType, ResourceRecord } from './record.ts';
export { RecordWriter } from './writer.ts';
