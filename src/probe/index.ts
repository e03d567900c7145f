/** Sends real traffic for people, from any place of a cluster, and asks agents what they saw. */
export { askAgent } from './ask-agent.ts';
export { resolveName } from './resolve-name.ts';
export type { AskedQuestion, Resolution } from './resolve-name.ts';
export { sendDatagram } from './send-datagram.ts';
export { sendRequest } from './send-request.ts';
export type { Exchange } from './send-request.ts';
