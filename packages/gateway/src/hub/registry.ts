/** Everybody who is in. Generic, so that the hub's layer knows nothing of sessions. */
export class Registry<Member> {
  readonly #members = new Set<Member>();

  add(member: Member): void {
    this.#members.add(member);
  }

  /** Takes a member out. Harmless when it is not in. */
  remove(member: Member): void {
    this.#members.delete(member);
  }

  get size(): number {
    return this.#members.size;
  }

  /** A copy: members may leave while it is walked through. */
  all(): Member[] {
    return [...this.#members];
  }
}
