import type { PosternError } from './errors.ts';

/** Is called once: with what was asked for, or with why there is none. The core knows no promises. */
export type Answer<Value> = (answer: Value | PosternError) => void;
