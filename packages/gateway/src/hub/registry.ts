/** Everybody who is in. Generic, so that the hub's layer knows nothing of sessions. */
export class Registry<Member> {
  readonly #members = new Set<Member>();

  /** Adds a member. Returns what takes it out again; calling that twice is harmless. */
  add(member: Member): () => void {
    this.#members.add(member);
    return () => {
      this.#members.delete(member);
    };
  }

  get size(): number {
    return this.#members.size;
  }

  /** A copy: members may leave while it is walked through. */
  all(): Member[] {
    return [...this.#members];
  }
}
