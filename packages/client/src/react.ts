'use client';

export { PosternProvider, useClient } from './react/provider.ts';
export { useChannel } from './react/use-channel.ts';
export type { ChannelOptions, FollowedChannel } from './react/use-channel.ts';
export { useConnection } from './react/use-connection.ts';
