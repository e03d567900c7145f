export { ImageMap } from './image-map.ts';
export { builtinPaths, commandLineOf, programLineOf } from './image.ts';
export type { CommandLine, Image, Program, Resolved } from './image.ts';
export { OwnImages } from './own-images.ts';
export { preparePrograms } from './programs.ts';
