import type { ServiceCase } from './case.ts';

const here = { forZones: ['here'] } as const;
const there = { forZones: ['there'] } as const;
const elsewhere = { node: 'node-2' } as const;

/** Whom hints keep near (discovery/v1 EndpointHints, KEP-2433, KEP-3015). */
export const topology: readonly ServiceCase[] = [
  {
    name: 'endpoints for the node’s zone serve it, if every ready one has such hints',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', ...elsewhere, ...here },
              { at: 'b', ...there },
            ],
          },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'world', to: 'cluster', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'one ready endpoint without a hint makes all of them serve everybody',
    services: [{ slices: [{ endpoints: [{ at: 'a', ...here }, { at: 'b', ...there }, { at: 'c' }] }] }],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b', 'c'] }],
  },
  {
    name: 'what is not ready needs no hint',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', ...here },
              { at: 'b', ...there },
              { at: 'c', ready: false },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'a zone that no endpoint is for gets all',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', ...there },
              { at: 'b', forZones: ['third'] },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b'] }],
  },
  {
    name: 'an endpoint may be for several zones',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', forZones: ['there', 'here'] },
              { at: 'b', ...there },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'endpoints for the node come before those for its zone',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', forNodes: ['node-1'], ...here },
              { at: 'b', ...elsewhere, forNodes: ['node-2'], ...here },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'a node that no endpoint is for gets those for its zone',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', ...elsewhere, forNodes: ['node-2'], ...here },
              { at: 'b', node: 'node-3', forNodes: ['node-3'], ...there },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'a node hint that one ready endpoint lacks counts for none',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', forNodes: ['node-1'], ...here },
              { at: 'b', ...elsewhere, ...here },
              { at: 'c', ...there },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b'] }],
  },
  {
    name: 'hints do not count for the policy Local',
    services: [
      {
        spec: { internalTrafficPolicy: 'Local' },
        slices: [
          {
            endpoints: [
              { at: 'a', ...there },
              { at: 'b', ...elsewhere, ...here },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'hints of those that terminate do not count',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', ready: false, terminating: true, ...here },
              { at: 'b', ready: false, terminating: true, ...there },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b'] }],
  },
];
