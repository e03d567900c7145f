/** RFC 3339 in UTC: seconds (`2025-01-31T08:00:00Z`) for Time, microseconds for MicroTime. */
export type Timestamp = string;

/** A number with a decimal or binary suffix (`100m`, `1Gi`); read it with `parseQuantity`. */
export type Quantity = string;

/** A port by number or name, or a count by number or percentage. */
export type IntOrString = number | string;

export type ConditionStatus = 'True' | 'False' | 'Unknown';

export type Protocol = 'TCP' | 'UDP' | 'SCTP';
