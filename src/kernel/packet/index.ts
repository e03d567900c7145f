/** Frames of our own on a link: who has an address now. */
export { announcementFrame } from './frames.ts';
export { sendFrames } from './send.ts';
