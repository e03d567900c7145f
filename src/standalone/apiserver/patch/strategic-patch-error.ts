/** A patch that contradicts itself or lacks a merge key. */
export class StrategicPatchError extends Error {
  override readonly name = 'StrategicPatchError';
}
